"""Counting generations into buckets of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from safelight.clock import bucket_start
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.tally import tally
from safelight.store.traffic import LATENCY_BOUNDS_MS, LATENCY_CLASSES, latency_class

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _generation(seconds: float, version: int, arm: Arm, outcome: Outcome, total_ms: float | None) -> Generation:
    return Generation(
        id=uuid4(),
        created_at=NOON + timedelta(seconds=seconds),
        generator="studio",
        version=version,
        bundle_digest="d",
        source=Source.ENGINE,
        arm=arm,
        outcome=outcome,
        request_id=uuid4(),
        prompt="a red fox",
        parameters={},
        engine_ms=total_ms,
        total_ms=total_ms,
    )


generations = st.lists(
    st.builds(
        _generation,
        seconds=st.floats(0, 300),
        version=st.integers(1, 3),
        arm=st.sampled_from([Arm.STABLE, Arm.CANARY]),
        outcome=st.sampled_from(Outcome),
        total_ms=st.none() | st.floats(0, 1e6),
    ),
    max_size=40,
)


@given(generations)
def test_every_generation_is_in_exactly_one_count(made: list[Generation]) -> None:
    counted = tally(made, 60)
    assert len({traffic.key for traffic in counted}) == len(counted)
    for traffic in counted:
        mine = [g for g in made if (g.generator, g.version, g.arm.value, bucket_start(g.created_at, 60)) == traffic.key]
        outcomes = [g.outcome for g in mine]
        assert traffic.served == outcomes.count(Outcome.SERVED)
        assert traffic.filtered == outcomes.count(Outcome.FILTERED)
        assert traffic.failed == outcomes.count(Outcome.FAILED)
        assert traffic.cancelled == outcomes.count(Outcome.CANCELLED)
        timed = [g for g in mine if g.outcome is Outcome.SERVED and g.total_ms is not None]
        assert sum(traffic.latency_counts) == len(timed)
    assert sum(t.served + t.filtered + t.failed + t.cancelled for t in counted) == len(made)


@given(st.floats(0, 1e7))
def test_a_latency_class_ends_at_its_bound(milliseconds: float) -> None:
    index = latency_class(milliseconds)
    assert 0 <= index < LATENCY_CLASSES
    if index < len(LATENCY_BOUNDS_MS):
        assert milliseconds <= LATENCY_BOUNDS_MS[index]
    if index > 0:
        assert milliseconds > LATENCY_BOUNDS_MS[index - 1]


def test_latency_bounds_rise_by_a_third() -> None:
    steps = [high / low for low, high in pairwise(LATENCY_BOUNDS_MS)]
    assert 1.32 < min(steps) <= max(steps) < 1.34


def test_images_of_one_batch_share_its_time() -> None:
    together = [
        _generation(0, 1, Arm.STABLE, Outcome.SERVED, 800.0).model_copy(update={"envelope": {"batch_size": 4}})
        for _ in range(4)
    ]
    alone = _generation(0, 1, Arm.STABLE, Outcome.SERVED, 300.0)
    [counted] = tally([*together, alone], 60)
    assert counted.engine_ms_sum == 1100.0
