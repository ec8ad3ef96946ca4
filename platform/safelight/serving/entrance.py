"""Where the requests for one generator come in: who is let in, and how those fare who were."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from safelight.recording.generation import Arm
from safelight.serving.admission import Crowd, RateLimit, Refusal, Refused, Speed
from safelight.serving.line import Line


@dataclass(frozen=True)
class Load:
    """How a generator's requests fare at one gateway. `refused` counts images since the process started."""

    unanswered: int
    waiting: int
    seconds_per_image: float | None
    refused: dict[Refusal, int]


@dataclass(frozen=True)
class Wish:
    """So many images for an account, each within so many seconds, of so many engines."""

    account: str
    images: int
    seconds: float
    engines: int


class Entrance:
    """Of one generator: one way in for everybody, and a line for each arm."""

    def __init__(self, lines: Mapping[Arm, Line], most: int, rates: RateLimit) -> None:
        """`most` images unanswered at a time; `rates` are kept over all generators."""
        self.lines = lines
        self.speed = Speed()
        self._crowd = Crowd(most)
        self._rates = rates
        self._refused: Counter[Refusal] = Counter()

    @property
    def load(self) -> Load:
        return Load(self._crowd.total, self.waiting, self.speed.seconds_per_image, dict(self._refused))

    @property
    def waiting(self) -> int:
        """Images that were let in and have no engine yet."""
        return sum(map(len, self.lines.values()))

    def move(self, now: float) -> None:
        """Whoever's turn it is goes to an engine; see Line."""
        for line in self.lines.values():
            line.move(now)

    @contextmanager
    def admitted(self, wish: Wish, now: float) -> Iterator[None]:
        """Counted in until left. Raises SafelightError where it is refused, with the seconds after which to try again.

        Nothing waits here: an image that could not be made in its time is refused before it costs anybody any.
        """
        refused = self._refusal(wish, now)
        if refused is not None:
            self._refused[refused.reason] += wish.images
            raise refused.error
        self._crowd.enter(wish.account, wish.images)
        try:
            yield
        finally:
            self._crowd.leave(wish.account, wish.images)

    def _refusal(self, wish: Wish, now: float) -> Refused | None:
        crowded = self._crowd.refusal_of(wish.account, wish.images)
        if crowded is not None:
            return Refused(crowded, self.speed.seconds_for(self._crowd.total, wish.engines))
        ahead = self._crowd.ahead_of(wish.account, wish.images)
        late = self.speed.seconds_for(ahead, wish.engines) - wish.seconds
        if late > 0:
            return Refused(Refusal.TOO_LATE, late)
        wait = self._rates.wait(wish.account, wish.images, now)
        return Refused(Refusal.RATE_LIMITED, wait) if wait else None
