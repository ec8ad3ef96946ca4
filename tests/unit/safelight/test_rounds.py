"""A round goes on beside whoever fails in it."""

import logging

import pytest
from prometheus_client import REGISTRY

from safelight.rounds import in_turn
from safelight.store.database import StoreAway, StoreError


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
        assert in_turn("a round", ["first", "second", "third"], turn) == 4
    assert asked == ["first", "second", "third"]
    assert [(record.message, record.exc_info is not None) for record in caplog.records] == [
        ("a round failed for first; the others go on", True)
    ]
    assert failures("a round") == before + 1


def test_a_database_that_is_away_is_away_for_all_of_them() -> None:
    asked: list[str] = []

    def turn(name: str) -> int:
        asked.append(name)
        raise StoreAway("", None, OSError("no connection"))

    with pytest.raises(StoreAway):
        in_turn("a round without a database", ["first", "second"], turn)
    assert asked == ["first"]
    assert failures("a round without a database") == 0
