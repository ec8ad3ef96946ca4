"""Rounds of background work: everybody has a turn, whatever became of the turns before."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from safelight.clock import Clock
from safelight.store.database import StoreAway
from safelight.telemetry.meters import LOOP_FAILURES

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds. Each failure in a row doubles the pause after it."""


def is_told(times: int) -> bool:
    """Whether the failure that is the `times`th in a row goes into the log: the first, second, fourth, eighth ... does.

    What fails all night, every few seconds, would otherwise bury whatever else is told.
    """
    return times & (times - 1) == 0


@dataclass(frozen=True)
class _Failing:
    times: int
    pause: float
    until: float


class Turns:
    """The turns of one loop, round after round. What fails again and again is tried and told of less and less often."""

    def __init__(self, loop: str, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self._failing: dict[str, _Failing] = {}

    def take(self, whose: Iterable[_T], turn: Callable[[_T], int], named: Callable[[_T], str] = str) -> int:
        """The sum of what the turns return; what has just failed is passed over until its pause is over.

        One that fails is counted as a failure of the loop, and logged as `is_told` says.
        Raises StoreAway at once: a database that does not answer one does not answer the others either.
        """
        asked = {named(each): each for each in whose}
        self._failing = {name: self._failing[name] for name in asked if name in self._failing}
        done = 0
        for name, each in asked.items():
            failing = self._failing.get(name)
            if failing is not None and self._clock.monotonic() < failing.until:
                continue
            try:
                done += turn(each)
            except StoreAway:
                raise
            except Exception:
                LOOP_FAILURES.labels(self._loop).inc()
                failing = self._failing[name] = self._after(failing)
                if is_told(failing.times):
                    logger.exception("%s failed for %s, %d in a row; the others go on", self._loop, name, failing.times)
            else:
                self._failing.pop(name, None)
        return done

    def _after(self, before: _Failing | None) -> _Failing:
        """How it stands after one more failure."""
        times = before.times + 1 if before else 1
        pause = min(before.pause * 2.0, _LONGEST_PAUSE) if before else _FIRST_PAUSE
        return _Failing(times, pause, self._clock.monotonic() + pause)
