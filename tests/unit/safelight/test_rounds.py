"""A round goes on beside whoever fails in it."""

import itertools
import logging
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY

from safelight.clock import ManualClock
from safelight.rounds import Turns
from safelight.store.database import StoreAway, StoreError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def failures(loop: str) -> float:
    return REGISTRY.get_sample_value("safelight_loop_failures_total", {"loop": loop}) or 0.0


@pytest.mark.parametrize("error", [RuntimeError("a state that nobody thought of"), StoreError("a value was refused")])
def test_who_fails_keeps_nobody_waiting_and_is_told_of_by_name(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def turn(name: str) -> int:
        asked.append(name)
        if name == "first":
            raise error
        return 2

    before = failures("a round")
    with caplog.at_level(logging.ERROR):
        assert Turns("a round", ManualClock(NOON)).take(["first", "second", "third"], turn) == 4
    assert asked == ["first", "second", "third"]
    assert [(record.message, record.exc_info is not None) for record in caplog.records] == [
        ("a round failed for first, 1 in a row; the others go on", True)
    ]
    assert failures("a round") == before + 1


def test_a_database_that_is_away_is_away_for_all_of_them() -> None:
    asked: list[str] = []

    def turn(name: str) -> int:
        asked.append(name)
        raise StoreAway("", None, OSError("no connection"))

    turns = Turns("a round without a database", ManualClock(NOON))
    for _ in range(2):
        with pytest.raises(StoreAway):
            turns.take(["first", "second"], turn)
    assert asked == ["first", "first"], "whose turn it was is not to blame"
    assert failures("a round without a database") == 0


def test_what_fails_for_hours_is_tried_and_told_of_less_and_less_often(caplog: pytest.LogCaptureFixture) -> None:
    clock, tried, done = ManualClock(NOON), list[float](), 0
    turns = Turns("a long round", clock)

    def turn(name: str) -> int:
        if name == "sick":
            tried.append(clock.monotonic())
            raise RuntimeError("again")
        return 1

    with caplog.at_level(logging.ERROR):
        for _ in range(3600):
            done += turns.take(["sick", "well"], turn)
            clock.advance(1.0)
    assert done == 3600
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert pauses[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert set(pauses[7:]) == {30.0}
    assert len(caplog.records) == len(tried).bit_length() == 7


def test_who_succeeds_or_is_gone_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    clock, sick = ManualClock(NOON), {"one", "other"}
    turns = Turns("a round of recovery", clock)

    def turn(name: str) -> int:
        if name in sick:
            raise RuntimeError("not yet")
        return 1

    assert turns.take(["one", "other"], turn) == 0
    sick.clear()
    assert turns.take(["one"], turn) == 0, "its pause is not over"
    assert turns.take(["one", "other"], turn) == 1, "the other was gone in between"
    clock.advance(1.0)
    assert turns.take(["one", "other"], turn) == 2
    sick.add("one")
    caplog.clear()
    turns.take(["one"], turn)
    assert [record.message for record in caplog.records] == [
        "a round of recovery failed for one, 1 in a row; the others go on"
    ]
