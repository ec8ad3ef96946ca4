"""How far a long command is, and how long it has still to go: a line now and then, on standard error."""

import typer

from monitors.windows import spoken
from safelight.clock import Clock

_EVERY_SECONDS = 2.0
_TRUSTED_AFTER_SECONDS = 5.0


class Progress:
    """Counts towards `total`; the time left is that of the pace so far."""

    def __init__(self, what: str, total: int, clock: Clock) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._started = self._told = clock.monotonic()
        self._done = 0

    def advance(self, by: int = 1) -> None:
        self._done += by
        now = self._clock.monotonic()
        if now - self._told >= _EVERY_SECONDS or self._done >= self._total:
            self._told = now
            typer.echo(self._line(now - self._started), err=True)

    def _line(self, elapsed: float) -> str:
        share = f"{self._what}: {self._done:,} of {self._total:,}"
        if self._done >= self._total:
            return f"{share}, in {spoken(round(elapsed, 1))}"
        if elapsed < _TRUSTED_AFTER_SECONDS or not self._done:
            return share
        left = elapsed / self._done * (self._total - self._done)
        return f"{share}, about {spoken(float(round(left)))} left"
