"""What people got and made of it, held against the objective and against the version before."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitors.verdict import Health, Reason
from registry.ledger import EntryKind
from safelight.ids import new_id
from safelight.store import feedback, sketches, traffic
from safelight.store.feedback import FeedbackKey, FeedbackKind
from safelight.store.sketches import SignalKey, SignalSums
from safelight.store.traffic import LATENCY_CLASSES, Traffic
from safelight.store.verdicts import StoredVerdict

HOUR = 60


class Log:
    """Counts as recording and scoring leave them, a minute at a time; the images themselves are of no interest."""

    def __init__(self, world: Any) -> None:
        self.world = world

    def minutes(self, count: int, version: int, **counts: int) -> dict[str, StoredVerdict]:
        """So many minutes alike, the monitors asked after the last."""
        start = self.world.clock.now()
        with self.world.database.transaction() as session:
            for minute in range(count):
                self._keep(session, start + timedelta(minutes=minute), version, **counts)
        self.world.clock.advance(60 * (count - 1))
        answers: dict[str, StoredVerdict] = self.world.tick()
        return answers

    def _keep(
        self,
        session: Any,
        at: datetime,
        version: int,
        served: int = 20,
        filtered: int = 0,
        failed: int = 0,
        blank: int = 0,
        alike: int = 0,
        again: int = 0,
    ) -> None:
        latencies = (served,) + (0,) * (LATENCY_CLASSES - 1)
        traffic.add(session, [Traffic("studio", version, "stable", at, served, filtered, failed, 0, latencies, 0.0)])
        key = SignalKey("studio", version, "stable", self.world.embedder.digest, at)
        sketches.add_signals(session, key, SignalSums(n=served, blank=blank, near_duplicates=alike))
        for _ in range(again):
            bucket = FeedbackKey("studio", version, "stable", at)
            feedback.give(session, new_id(), "somebody", FeedbackKind.REGENERATED, at, bucket)

    def release(self, version: int, before: int) -> None:
        self.world.release(EntryKind.PROMOTE, version, before)


@pytest.fixture
def log(world: Any) -> Log:
    return Log(world)


def test_an_error_budget_that_burns_fast_is_an_alarm_whatever_each_rate_says(log: Log) -> None:
    quiet = log.minutes(HOUR, 1)["good_images"].verdict
    assert (quiet.health, quiet.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)
    burning = log.minutes(HOUR, 1, blank=2, failed=2)["good_images"].verdict
    assert (burning.health, burning.reason) == (Health.DEGRADED, Reason.ERROR_BUDGET_BURN)
    assert burning.effect == pytest.approx(4 / 22 / 0.01)


@pytest.mark.parametrize(
    ("monitor", "usual", "worse", "reason"),
    [
        ("filtered_rate", {"filtered": 2}, {"filtered": 8}, Reason.FILTERED_RATE_UP),
        ("near_duplicates", {"alike": 1}, {"alike": 8}, Reason.NEAR_DUPLICATES_UP),
    ],
)
def test_a_rate_is_held_against_the_day_before_the_release(
    log: Log, monitor: str, usual: dict[str, int], worse: dict[str, int], reason: Reason
) -> None:
    assert monitor not in log.minutes(3 * HOUR, 1, **usual), (
        "a first version replaced nothing it could be compared with"
    )
    log.release(2, 1)
    same = log.minutes(30, 2, **usual)[monitor].verdict
    assert (same.health, same.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)
    risen = log.minutes(30, 2, **worse)[monitor].verdict
    assert (risen.health, risen.reason) == (Health.DEGRADED, reason)


def test_feedback_is_judged_when_it_is_in(log: Log) -> None:
    log.minutes(HOUR, 1, again=1)
    log.release(2, 1)
    early = log.minutes(29, 2, again=6)["feedback"].verdict
    assert (early.health, early.reason) == (Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS)
    ripe = log.minutes(30, 2, again=6)["feedback"].verdict
    assert (ripe.health, ripe.reason) == (Health.DEGRADED, Reason.FEEDBACK_WORSE)
    assert ripe.evidence["signal"] == "asked for again"
