"""Which slots were missed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from safelight.watching.tick import missed_slots

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_nothing_is_missed_before_the_first_tick() -> None:
    assert missed_slots(None, NOON, MINUTE) == []


@given(st.integers(1, 500))
def test_every_slot_between_two_ticks_was_missed(apart: int) -> None:
    newest = NOON - apart * MINUTE
    missed = missed_slots(newest, NOON, MINUTE)
    assert [newest, *missed, NOON] == [newest + i * MINUTE for i in range(apart + 1)]


def test_a_tick_made_longer_since_leaves_no_slot_out_of_place() -> None:
    assert missed_slots(NOON - 7 * MINUTE, NOON, 5 * MINUTE) == []
