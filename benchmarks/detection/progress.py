"""What the run is at, on standard error: the tables go to standard output."""

import sys
import time

_STARTED = time.monotonic()


def say(doing: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    print(f"[{minutes:3}:{seconds:02}] {doing}", file=sys.stderr, flush=True)
