"""Which of the waiting requests make up the next batch. Pure: the worker brings time and threads."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry.parameters import GenerationParameters


@dataclass(frozen=True)
class Waiting:
    """A request in an engine's queue. Times are seconds on one monotonic clock."""

    parameters: GenerationParameters
    arrived: float
    deadline: float
    defer: float = 0.0
    """Seconds for which it lets people's requests, which have 0, go first: nobody waits for the image."""

    @property
    def background(self) -> bool:
        return self.defer > 0


@dataclass(frozen=True)
class Window:
    """How many requests a batch may hold, and how many seconds the first may wait for the others."""

    max_batch: int
    max_wait: float


@dataclass(frozen=True)
class Batch:
    """Render these now: positions in the queue, oldest first."""

    places: tuple[int, ...]


@dataclass(frozen=True)
class Pause:
    """Look again when something arrives, at the latest after so many seconds."""

    seconds: float


def compatible(a: GenerationParameters, b: GenerationParameters) -> bool:
    """Whether two requests may share a batch: a pipeline takes one size, step count and guidance for all of it."""
    return (a.width, a.height, a.steps, a.guidance) == (b.width, b.height, b.steps, b.guidance)


def next_batch(queue: Sequence[Waiting], now: float, window: Window) -> Batch | Pause:
    """The batch led by the oldest request, once it is full or has waited long enough. `queue` is not empty.

    Led by the oldest, so that a rare size is never starved by a popular one. A background request lets everybody else
    go first for its time, and is then one like any other: a busy engine would never answer it. The two never share a
    batch: neither the time of the one nor the pixels of the other shall depend on it.
    """
    lead = next((each for each in queue if now - each.arrived >= each.defer), queue[0])
    places = [
        place
        for place, each in enumerate(queue)
        if each.background is lead.background and compatible(lead.parameters, each.parameters)
    ]
    patience = lead.arrived + window.max_wait - now
    if len(places) >= window.max_batch or patience <= 0:
        return Batch(tuple(places[: window.max_batch]))
    return Pause(patience)
