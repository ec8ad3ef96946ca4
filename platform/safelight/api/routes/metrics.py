"""Prometheus metrics of this process and of every generator; scraped with a viewer's key as bearer token."""

from collections import Counter
from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from monitors.verdict import Health
from safelight.api import status
from safelight.api.auth import Reader
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.generators import GeneratorStatus
from safelight.releasing.service import ALIVE
from safelight.store import engines, fetches, scores
from safelight.store.database import Session
from safelight.store.engines import LIVING, EngineState, KnownEngine
from safelight.telemetry.meters import ENGINE_SECONDS

router = APIRouter(tags=["health"])

_SECONDS_PER_HOUR = 3600.0


@router.get("/metrics", response_class=Response)
def metrics(platform: PlatformDep, _reader: Reader) -> Response:
    """In Prometheus' text format: what this process counts, and what the database knows of all of them."""
    registry = CollectorRegistry()
    registry.register(_Platform(platform))
    registry.register(_Counted())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Counted(Collector):
    """What this process has counted since it started."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()


class _Platform(Collector):
    """Read at each scrape from what the dashboard shows, so that the two cannot disagree."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def describe(self) -> list[Metric]:
        # Or the registry would collect once to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _generators(status.statuses(self._platform))
        yield from self._recording()
        yield from self._requests()
        yield from _cost(self._platform.settings.engine.price_per_hour)
        now = self._platform.clock.now()
        with self._platform.database.reading() as session:
            yield from _held([each for each in engines.engines(session) if each.heartbeat_at >= now - ALIVE])
            yield from _waiting(session, self._platform)

    def _recording(self) -> Iterator[Metric]:
        recording = self._platform.recorder.status()
        unlogged = "Served but not recorded since this process started"
        yield CounterMetricFamily("safelight_unlogged_generations", unlogged, recording.unlogged)
        for name, value, what in (
            ("backlog_generations", recording.backlog, "Recorded here and not yet shipped"),
            ("backlog_bytes", recording.backlog_bytes, "What they take"),
            ("backlog_seconds", recording.oldest_seconds, "Age of the oldest of them"),
            ("fill_ratio", recording.fill, "Of the journal's room; at 1 nothing more is recorded"),
            ("refused_generations", recording.refused, "Set aside because the database refuses them"),
        ):
            yield GaugeMetricFamily(f"safelight_journal_{name}", what, value)

    def _requests(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("safelight_waiting_images", "Not given to an engine yet", labels=["generator"])
        in_flight = GaugeMetricFamily("safelight_in_flight_images", "Being made or waiting", labels=["generator"])
        refused = CounterMetricFamily("safelight_refused_images", "Not let in", labels=["generator", "reason"])
        for generator, load in self._platform.gateway.loads().items():
            waiting.add_metric([generator], load.waiting)
            in_flight.add_metric([generator], load.unanswered)
            for reason, images in load.refused.items():
                refused.add_metric([generator, reason.value], images)
        yield from (waiting, in_flight, refused)


def _generators(statuses: list[GeneratorStatus]) -> Iterator[Metric]:
    serving = GaugeMetricFamily("safelight_serving_version", "What should serve", labels=["generator"])
    incidents = GaugeMetricFamily("safelight_open_incidents", "Not resolved", labels=["generator"])
    rate = GaugeMetricFamily("safelight_images_per_minute", "Served lately", labels=["generator"])
    health = GaugeMetricFamily("safelight_health", "1 for the present health, 0 else", labels=["generator", "health"])
    for generator in statuses:
        if generator.serving is not None:
            serving.add_metric([generator.name], generator.serving.version)
        incidents.add_metric([generator.name], generator.open_incidents)
        rate.add_metric([generator.name], generator.images_per_minute)
        for state in Health:
            health.add_metric([generator.name, state], float(generator.health is state))
    yield from (serving, incidents, rate, health)


def _held(alive: list[KnownEngine]) -> Iterator[Metric]:
    held = GaugeMetricFamily("safelight_engines", "That were heard of lately", labels=["generator", "state"])
    counts = Counter((each.generator, each.state) for each in alive)
    for generator in sorted({each.generator for each in alive}):
        for state in (*LIVING, EngineState.FAILED):
            held.add_metric([generator, state.value], counts[generator, state])
    used = GaugeMetricFamily("safelight_device_memory_used_bytes", "By all processes", labels=["host"])
    total = GaugeMetricFamily("safelight_device_memory_bytes", "Of the engines' device", labels=["host"])
    for host, engine in {each.host: each for each in alive if each.memory_total is not None}.items():
        used.add_metric([host], engine.memory_used or 0)
        total.add_metric([host], engine.memory_total or 0)
    yield from (held, used, total)


def _waiting(session: Session, platform: Platform) -> Iterator[Metric]:
    oldest = scores.oldest_of_all(session)
    lag = 0.0 if oldest is None else max(0.0, (platform.clock.now() - oldest).total_seconds())
    yield GaugeMetricFamily("safelight_scoring_lag_seconds", "Age of the oldest image nobody has looked at yet", lag)
    fetching = fetches.waiting(session)
    yield GaugeMetricFamily("safelight_image_fetches_waiting", "Images that lie elsewhere and are to be had", fetching)


def _cost(price_per_hour: float | None) -> Iterator[Metric]:
    """Nothing without a price: an image whose cost is not known is not free."""
    if price_per_hour is None:
        return
    yield GaugeMetricFamily("safelight_price_per_engine_hour", "As engine.price_per_hour says", price_per_hour)
    cost = CounterMetricFamily(
        "safelight_cost", "Of engine time, in the price's currency", labels=["generator", "version"]
    )
    for family in ENGINE_SECONDS.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                labels = [sample.labels["generator"], sample.labels["version"]]
                cost.add_metric(labels, sample.value / _SECONDS_PER_HOUR * price_per_hour)
    yield cost
