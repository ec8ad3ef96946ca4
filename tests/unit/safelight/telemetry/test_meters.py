"""Labels stay few, whatever is recorded."""

from datetime import UTC, datetime

from prometheus_client import REGISTRY

from safelight.api.routes.metrics import _cost
from safelight.ids import first_id_at, new_id
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.metering import count
from safelight.telemetry.meters import MOST_VERSIONS, OTHER, version_label

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def made(generator: str, **changes: object) -> Generation:
    values = {
        "id": first_id_at(NOON),
        "created_at": NOON,
        "generator": generator,
        "version": 1,
        "bundle_digest": "sha256:b",
        "source": Source.ENGINE,
        "arm": Arm.STABLE,
        "outcome": Outcome.SERVED,
        "request_id": new_id(),
        "prompt": "a red fox",
        "parameters": {"steps": 10},
        "envelope": {"batch_size": 4},
        "queue_ms": 20.0,
        "engine_ms": 1000.0,
        "total_ms": 1100.0,
    }
    return Generation.model_validate(values | changes)


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_versions_beyond_a_hundred_are_counted_together() -> None:
    labels = [version_label("many", version) for version in range(MOST_VERSIONS + 5)]
    assert labels == [*map(str, range(MOST_VERSIONS)), *[OTHER] * 5]
    assert version_label("many", 3) == "3"
    assert version_label("few", MOST_VERSIONS + 1) == str(MOST_VERSIONS + 1)


def test_an_image_is_counted_with_its_part_of_the_batch() -> None:
    count(made("metered"))
    labels = {"generator": "metered", "version": "1"}
    assert sample("safelight_generations_total", **labels, arm="stable", outcome="served") == 1
    assert sample("safelight_engine_seconds_total", **labels) == 0.25
    assert sample("safelight_batch_size_sum", generator="metered") == 4
    assert sample("safelight_step_seconds_sum", generator="metered") == 0.1
    assert sample("safelight_queue_seconds_sum", generator="metered") == 0.02
    assert sample("safelight_generation_seconds_sum", generator="metered") == 1.1


def test_what_a_foreign_service_does_not_tell_is_left_out() -> None:
    told = {"envelope": {}, "parameters": {"steps": "many"}, "queue_ms": None, "engine_ms": None, "total_ms": None}
    count(made("foreign", **told))
    count(made("foreign", envelope={"batch_size": "four"}, parameters={"steps": 0}))
    assert sample("safelight_batch_size_sum", generator="foreign") is None
    assert sample("safelight_step_seconds_sum", generator="foreign") is None
    assert sample("safelight_generation_seconds_count", generator="foreign") == 1


def test_the_time_of_a_probe_is_not_that_of_a_request() -> None:
    count(made("probed", arm=Arm.PROBE))
    assert sample("safelight_generation_seconds_count", generator="probed") is None
    assert sample("safelight_engine_seconds_total", generator="probed", version="1") == 0.25


def test_cost_is_engine_time_at_its_price() -> None:
    count(made("priced", envelope={}, engine_ms=1_800_000.0))
    costs = {
        each.labels["generator"]: each.value
        for family in _cost(3.0)
        for each in family.samples
        if each.name == "safelight_cost_total"
    }
    assert costs["priced"] == 1.5
    assert list(_cost(None)) == []
