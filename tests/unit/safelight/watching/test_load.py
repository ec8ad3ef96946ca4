"""How loaded the engines are and what an image costs: said where it is known, and why not where it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from monitors.rates import LatencyHistogram
from monitors.verdict import Health, Reason
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.totals import Totals
from safelight.watching.load import CostQuestion, DeviceMemoryQuestion, QueueQuestion
from safelight.watching.questions import Span

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPAN = Span(NOON, NOON + 8 * MINUTE, MINUTE)
ALPHA = 1e-5
MADE = Totals(200, 0, 0, 200, 2, 0, 0, 10, 5, 3, 8, engine_ms=200_000)
ENGINE = KnownEngine(
    id=UUID(int=1),
    generator="studio",
    version=2,
    host="gpu-1",
    pid=1,
    url="",
    state=EngineState.READY,
    detail="",
    environment_digest=None,
    started_at=NOON,
    ready_at=NOON,
    heartbeat_at=NOON,
)


def _waits(quick: int, slow: int) -> dict[datetime, LatencyHistogram]:
    return {NOON + i * MINUTE: LatencyHistogram((1.0, 10.0), (quick, 0, slow)) for i in range(8)}


@pytest.mark.parametrize(
    ("waits", "served", "health", "reason"),
    [
        (_waits(50, 0), 400, Health.HEALTHY, Reason.WITHIN_BUDGET),
        (_waits(40, 10), 400, Health.DEGRADED, Reason.QUEUE_UP),
        (_waits(0, 0), 400, Health.INCONCLUSIVE, Reason.NOT_REPORTED),
        (_waits(2, 0), 16, Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS),
        ({}, 0, Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS),
    ],
)
def test_a_queue(waits: dict[datetime, LatencyHistogram], served: int, health: Health, reason: Reason) -> None:
    verdict = QueueQuestion(waits, served, 10.0, 0.95).answer(SPAN, ALPHA)
    assert (verdict.health, verdict.reason) == (health, reason), verdict.summary


@pytest.mark.parametrize(
    ("now", "before", "health", "reason"),
    [
        (MADE, MADE, Health.HEALTHY, Reason.WITHIN_BUDGET),
        (replace(MADE, engine_ms=310_000), MADE, Health.DEGRADED, Reason.COST_UP),
        (replace(MADE, regenerated=90), MADE, Health.DEGRADED, Reason.COST_UP),
        (replace(MADE, engine_ms=100_000), MADE, Health.HEALTHY, Reason.WITHIN_BUDGET),
        (MADE, None, Health.INCONCLUSIVE, Reason.NO_BASELINE),
        (MADE, replace(MADE, engine_ms=0), Health.INCONCLUSIVE, Reason.NO_BASELINE),
        (replace(MADE, engine_ms=0), MADE, Health.INCONCLUSIVE, Reason.NOT_REPORTED),
        (replace(MADE, served=20), MADE, Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS),
    ],
)
def test_what_an_accepted_image_costs(now: Totals, before: Totals | None, health: Health, reason: Reason) -> None:
    verdict = CostQuestion(now, before, 0.5).answer(SPAN, ALPHA)
    assert (verdict.health, verdict.reason) == (health, reason), verdict.summary


def test_a_cost_is_told_also_where_there_is_nothing_to_compare_it_with() -> None:
    verdict = CostQuestion(MADE, None, 0.5).answer(SPAN, ALPHA)
    assert verdict.evidence["engine_seconds_per_image"] == 1.0
    assert verdict.evidence["engine_seconds_per_accepted_image"] == pytest.approx(200 / 190)
    assert "nobody has given feedback" not in verdict.summary
    silent = CostQuestion(replace(MADE, up=0, down=0, regenerated=0, downloaded=0), None, 0.5).answer(SPAN, ALPHA)
    assert "nobody has given feedback" in silent.summary


@pytest.mark.parametrize(
    ("engines", "health", "reason"),
    [
        ([], Health.INCONCLUSIVE, Reason.NO_DEVICE),
        ([ENGINE], Health.INCONCLUSIVE, Reason.NO_DEVICE),
        ([replace(ENGINE, memory_used=70, memory_total=80)], Health.HEALTHY, Reason.WITHIN_BUDGET),
        (
            [
                replace(ENGINE, memory_used=70, memory_total=80),
                replace(ENGINE, id=UUID(int=2), host="gpu-2", memory_used=79, memory_total=80),
            ],
            Health.DEGRADED,
            Reason.DEVICE_MEMORY_SHORT,
        ),
    ],
)
def test_device_memory(engines: list[KnownEngine], health: Health, reason: Reason) -> None:
    verdict = DeviceMemoryQuestion(engines, 0.95).answer(SPAN, ALPHA)
    assert (verdict.health, verdict.reason) == (health, reason), verdict.summary
    if health is Health.DEGRADED:
        assert "gpu-2" in verdict.summary
