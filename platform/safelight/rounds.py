"""Rounds of background work: everybody has a turn, whatever became of the turns before."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from safelight.store.database import StoreAway
from safelight.telemetry.meters import LOOP_FAILURES

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


def in_turn(loop: str, whose: Iterable[_T], turn: Callable[[_T], int], named: Callable[[_T], str] = str) -> int:
    """The sum of what the turns return. One that fails is logged and counted as a failure of the loop.

    Raises StoreAway at once: a database that does not answer one does not answer the others either.
    """
    done = 0
    for each in whose:
        try:
            done += turn(each)
        except StoreAway:
            raise
        except Exception:
            LOOP_FAILURES.labels(loop).inc()
            logger.exception("%s failed for %s; the others go on", loop, named(each))
    return done
