"""`safelight api`, ended as by kill -9 when it has passed a named point so many times.

The points stand between the steps that make a generation durable. Run by the storm, never by hand.
"""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from safelight.cli import main
from safelight.recording.images import ObjectImages
from safelight.store.journal import JournalFile

POINTS = (
    "before the journal's commit",
    "after the journal's commit",
    "before an image is written",
    "after an image is written",
    "before the journal lets go",
    "after the journal lets go",
)


def die_at(point: str, passes: int) -> None:
    """Have this process end there."""
    passed = count(1)

    def reached(reached_point: str) -> None:
        if reached_point == point and next(passed) == passes:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, step, before, after in (
        (JournalFile, "append", POINTS[0], POINTS[1]),
        (ObjectImages, "write", POINTS[2], POINTS[3]),
        (JournalFile, "remove", POINTS[4], POINTS[5]),
    ):
        setattr(owner, step, _between(getattr(owner, step), before, after, reached))


def _between(
    original: Callable[..., Any], before: str, after: str, reached: Callable[[str], None]
) -> Callable[..., Any]:
    def stepped(*arguments: Any, **named: Any) -> Any:
        reached(before)
        result = original(*arguments, **named)
        reached(after)
        return result

    return stepped


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["safelight", "api"]
    main()
