"""Cutting the past where the situation changes, and counting alarms as people would have met them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitors.verdict import Health, Reason, Verdict
from safelight.watching.dry_run import alarms, stretches

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def release(seq: int) -> Any:
    return SimpleNamespace(ledger_seq=seq, version=seq)


def said(health: Health) -> Verdict:
    return Verdict(health, Reason.CONDITIONAL_DRIFT if health is Health.DEGRADED else Reason.WITHIN_BUDGET, "")


@given(st.lists(st.integers(0, 4), max_size=40))
def test_ticks_are_cut_exactly_where_the_situation_changes(numbers: list[int]) -> None:
    situations = sorted(numbers)
    ticks = [at(i) for i in range(len(situations))]
    cut = list(stretches(ticks, lambda moment: release(situations[ticks.index(moment)])))
    assert [tick for stretch in cut for tick in stretch.ticks] == ticks
    assert [stretch.situation for stretch in cut] == [release(seq) for seq in sorted(set(situations))]
    assert [len(stretch.ticks) for stretch in cut] == [situations.count(seq) for seq in sorted(set(situations))]


def test_an_unchanging_past_is_looked_up_twice() -> None:
    asked: list[datetime] = []
    ticks = [at(i) for i in range(1000)]
    assert len(list(stretches(ticks, asked.append))) == 1
    assert len(asked) == 2


def test_degraded_ticks_in_a_row_are_one_alarm() -> None:
    fine, bad = said(Health.HEALTHY), said(Health.DEGRADED)
    answers = [fine, bad, bad, fine, None, bad, said(Health.INCONCLUSIVE), bad, bad]
    found = list(alarms([(at(i), release(1), verdict) for i, verdict in enumerate(answers)]))
    assert [(each.first, each.last, each.ticks) for each in found] == [
        (at(1), at(2), 2),
        (at(5), at(5), 1),
        (at(7), at(8), 2),
    ]


def test_another_release_is_another_alarm() -> None:
    bad = said(Health.DEGRADED)
    found = list(alarms([(at(0), release(1), bad), (at(1), release(2), bad)]))
    assert [(each.version, each.ticks) for each in found] == [(1, 1), (2, 1)]
