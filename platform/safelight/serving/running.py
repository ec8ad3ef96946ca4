"""Background work of an API process: it goes on until it is cancelled, whatever a step of it raises."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from safelight.rounds import is_told
from safelight.telemetry.meters import LOOP_FAILURES

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0
"""Far less than what is held by a claim lasts: it has to be renewed."""


async def keep_at(name: str, step: Callable[[], Awaitable[bool | None]], idle_seconds: float) -> None:
    """Take a step at once while there is something to do, which it says by True, else after `idle_seconds`.

    One that fails is tried again, at growing intervals: a process that serves and no longer does this looks well.
    """
    failures, pause = 0, 0.0
    while True:
        try:
            pause = 0.0 if await step() else idle_seconds
            failures = 0
        except Exception:
            failures += 1
            LOOP_FAILURES.labels(name).inc()
            pause = min(2.0 * max(pause, idle_seconds), _LONGEST_PAUSE)
            if is_told(failures):
                logger.exception("%s failed, %d in a row; trying again in %.1f s", name, failures, pause)
        await asyncio.sleep(pause)
