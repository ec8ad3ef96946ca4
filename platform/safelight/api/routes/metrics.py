"""Prometheus metrics of this process and of every generator; scraped with a viewer's key as bearer token."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from monitors.verdict import Health
from safelight.api import status
from safelight.api.auth import Reader
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.generators import GeneratorStatus

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
def metrics(platform: PlatformDep, _reader: Reader) -> Response:
    """In Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Platform(platform))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Platform(Collector):
    """Read at each scrape from what the dashboard shows, so that the two cannot disagree."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def describe(self) -> list[Metric]:
        # Or the registry would collect once to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _gauges(status.statuses(self._platform))
        recording = self._platform.recorder.status()
        for name, value, what in (
            ("unlogged_generations", recording.unlogged, "Served but not recorded since this process started"),
            ("journal_backlog_generations", recording.backlog, "Recorded here and not yet shipped"),
            ("journal_backlog_seconds", recording.oldest_seconds, "Age of the oldest of them"),
            ("journal_refused_generations", recording.refused, "Set aside because the database refuses them"),
        ):
            yield GaugeMetricFamily(f"safelight_{name}", what, value)
        yield GaugeMetricFamily("safelight_in_flight_images", "Being made or waiting", self._platform.gateway.in_flight)


def _gauges(statuses: list[GeneratorStatus]) -> Iterator[Metric]:
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
