"""A loop of the worker goes on, however long what it needs is away."""

import logging
import threading

import pytest

from safelight.worker import Loop


class Impatient(threading.Event):
    """Nobody waits; after so many pauses it is over."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) == self._most:
            self.set()
        return self.is_set()


def test_a_loop_outlasts_a_database_that_is_away_for_days(caplog: pytest.LogCaptureFixture) -> None:
    looks = 0

    def look() -> int:
        nonlocal looks
        looks += 1
        if 1 < looks < 1_200:
            raise OSError("no connection")
        return 0

    stop = Impatient(1_201)
    with caplog.at_level(logging.ERROR):
        Loop("scorer", look, 0.5).run(stop)
    assert stop.pauses[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert stop.pauses[-3:] == [30.0, 0.5, 0.5]
    assert len(caplog.records) == 11, "the first, the second, the fourth ... of 1,198"
