"""The worker process: scores, watches, responds and notifies until it is told to stop."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from safelight.rounds import is_told
from safelight.telemetry.meters import LOOP_FAILURES
from safelight.watching.lease import Leadership
from safelight.watching.schedule import Schedule

logger = logging.getLogger(__name__)

STOP_WITHIN = 1.5
"""Seconds the loops have together to finish what they are at."""
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Loop:
    """Work that is looked for again at once while there is some, else after `idle_seconds`."""

    name: str
    run_once: Callable[[], int]
    idle_seconds: float

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Whatever is away is tried again, at growing intervals."""
        failures, pause = 0, 0.0
        while not stop.is_set():
            try:
                pause = 0.0 if self.run_once() else self.idle_seconds
                failures = 0
            except Exception:
                failures += 1
                LOOP_FAILURES.labels(self.name).inc()
                pause = min(2.0 * max(pause, self.idle_seconds), _LONGEST_PAUSE)
                if is_told(failures):
                    logger.exception("%s failed, %d in a row; trying again in %.1f s", self.name, failures, pause)
            stop.wait(pause)


class Worker:
    """Loops in threads of their own beside the schedule; any number of workers may run, one of them leads."""

    def __init__(self, loops: Sequence[Loop], schedule: Schedule, leadership: Leadership) -> None:
        self._loops = loops
        self._schedule = schedule
        self._leadership = leadership

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; another worker may lead as soon as this returns.

        What is not done by then is left as it is: all work is in transactions, and somebody does it again.
        """
        threads = [threading.Thread(target=loop.run, args=(stop,), name=loop.name, daemon=True) for loop in self._loops]
        for thread in threads:
            thread.start()
        self._schedule.start()
        stop.wait()
        self._schedule.stop()
        for thread in threads:
            thread.join(STOP_WITHIN / len(threads))
        try:
            self._leadership.resign()
        except Exception:
            logger.exception("the lease could not be given back; it expires by itself")
