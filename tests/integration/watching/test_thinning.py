"""Verdicts and slots of long ago grow sparse, and whoever reads them learns what they learned before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitors.verdict import Health, Reason, Verdict
from safelight.clock import ManualClock
from safelight.store import monitors, slots, verdicts, versions
from safelight.store.database import Database
from safelight.store.monitors import StoredMonitor
from safelight.store.slots import SlotState
from safelight.store.verdicts import NewVerdict, StoredVerdict
from safelight.watching.thinning import Thinning

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WELL = Verdict(Health.HEALTHY, Reason.WITHIN_BUDGET, "fine", n=500, evidence={"windows": 3})
WORSE = Verdict(Health.DEGRADED, Reason.ALIGNMENT_DOWN, "worse", p_value=1e-9, n=500)
FEW = Verdict(Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, "few", n=5)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def told(database: Database) -> list[StoredVerdict]:
    """Two hours and a half of two generators, from noon on; only the drift of the studio can wake anybody."""
    with database.transaction() as session:
        for generator in ("studio", "other"):
            versions.add_generator(session, generator, "", NOON)
            names = ("drift", "prompts")
            monitors.add_missing(session, [StoredMonitor(generator, n, "any", {}, True, NOON) for n in names])
    return [
        stored
        for generator in ("studio", "other")
        for minute in range(150)
        for stored in _tick(database, generator, NOON + minute * MINUTE, _said(generator, minute))
    ]


def _said(generator: str, minute: int) -> list[NewVerdict]:
    drift = WORSE if generator == "studio" and 70 <= minute < 80 else WELL
    prompts = WORSE if 20 <= minute < 80 else FEW
    return [NewVerdict("drift", True, 3, drift), NewVerdict("prompts", False, 3, prompts)]


def _tick(database: Database, generator: str, slot: datetime, said: Sequence[NewVerdict]) -> list[StoredVerdict]:
    with database.transaction() as session:
        slots.record(session, generator, slot, SlotState.DONE, "one", slot)
        return verdicts.add(session, generator, slot, said)


def _thin(database: Database, clock: ManualClock) -> int:
    return sum(iter(Thinning(database, clock, 90 * DAY).run_once, 0))


def _read(database: Database, generator: str, monitor: str) -> list[StoredVerdict]:
    with database.reading() as session:
        return verdicts.page(session, generator, monitor=monitor, limit=1000)[::-1]


def _runs(found: Sequence[StoredVerdict]) -> list[tuple[str, str, int]]:
    return [(f"{each.slot:%H:%M}", each.verdict.health.value, each.ticks) for each in found]


def test_of_what_was_said_again_and_again_one_is_kept_an_hour_and_an_incidents_evidence_whole(
    database: Database, clock: ManualClock, told: list[StoredVerdict]
) -> None:
    before = {each.id: each for each in told}
    clock.advance((90 * DAY + 2.5 * timedelta(hours=1)).total_seconds())
    _thin(database, clock)
    drift = _read(database, "studio", "drift")
    evidence = [each for each in drift if each.verdict.health is Health.DEGRADED]
    assert evidence == [each for each in told if each.generator == "studio" and each.monitor == "drift"][70:80]
    old = [each for each in drift if each.slot < NOON + 120 * MINUTE and each not in evidence]
    assert _runs(old) == [("12:59", "healthy", 60), ("13:09", "healthy", 10), ("13:59", "healthy", 40)]
    assert [each.ticks for each in drift if each.slot >= NOON + 120 * MINUTE] == [1] * 30, "the last hour is young"
    assert _runs(_read(database, "other", "prompts"))[:4] == [
        ("12:19", "inconclusive", 20),
        ("12:59", "degraded", 40),
        ("13:19", "degraded", 20),
        ("13:59", "inconclusive", 40),
    ]
    for each in (*drift, *_read(database, "other", "prompts")):
        assert each.verdict == before[each.id].verdict, "what is kept is kept as it was said"


def test_readers_learn_what_they_learned_before(
    database: Database, clock: ManualClock, told: list[StoredVerdict]
) -> None:
    def learned() -> Any:
        with database.reading() as session:
            return (
                [
                    verdicts.counts(session, "studio", monitor, NOON + start * MINUTE, NOON + end * MINUTE)
                    for monitor in ("drift", "prompts")
                    for start, end in ((0, 60), (60, 120), (0, 150))
                ],
                [(each.id, each.monitor) for each in verdicts.latest(session, "studio")],
                slots.newest(session, "studio"),
            )

    before = learned()
    assert before[0][0] == {"healthy": 60}
    clock.advance((100 * DAY).total_seconds())
    _thin(database, clock)
    assert learned() == before, "long after the last tick, too"
    assert _thin(database, clock) == 0
    with database.reading() as session:
        assert [each.slot for each in slots.page(session, "studio")] == [NOON + 149 * MINUTE]
        assert not slots.record(session, "studio", NOON + 149 * MINUTE, SlotState.DONE, "two", clock.now())


def test_thinning_that_is_cut_off_has_changed_nothing(
    database: Database, clock: ManualClock, told: list[StoredVerdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the process ends here")

    clock.advance((100 * DAY).total_seconds())
    with monkeypatch.context() as patch:
        patch.setattr("safelight.store.thinning.delete", fail)
        with pytest.raises(RuntimeError):
            _thin(database, clock)
    assert [each for each in told if each.generator == "other"] == sorted(
        [*_read(database, "other", "drift"), *_read(database, "other", "prompts")], key=lambda each: each.id
    )
    _thin(database, clock)
    assert len(_read(database, "other", "drift")) == 3
