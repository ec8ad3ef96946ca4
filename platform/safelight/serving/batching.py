"""Which of the waiting requests make up the next batch. Pure: the worker brings time and threads."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry.parameters import GenerationParameters
from safelight.serving.fairness import Turns, work_of
from safelight.serving.pace import Pace, kind_of

_QUIET_GAPS = 4
"""After so many usual gaps without another request, those that come together are all there."""


@dataclass(frozen=True)
class Waiting:
    """A request in an engine's queue. Times are seconds on one monotonic clock."""

    parameters: GenerationParameters
    arrived: float
    deadline: float
    account: str = ""
    siblings: int = 1
    """Images of its request that are sent to this engine together, itself included."""
    defer: float = 0.0
    """Seconds for which it lets people's requests, which have 0, go first: nobody waits for the image."""

    @property
    def background(self) -> bool:
        return self.defer > 0

    @property
    def work(self) -> float:
        return work_of(self.parameters)


@dataclass(frozen=True)
class Window:
    """How many requests a batch may hold, and how many seconds the first may at most wait for the others."""

    max_batch: int
    max_wait: float


@dataclass(frozen=True)
class Batch:
    """Render these now: positions in the queue, the one whose turn it was first."""

    places: tuple[int, ...]


@dataclass(frozen=True)
class Pause:
    """Look again when something arrives, at the latest after so many seconds."""

    seconds: float


def compatible(a: GenerationParameters, b: GenerationParameters) -> bool:
    """Whether two requests may share a batch."""
    return kind_of(a) == kind_of(b)


def next_batch(queue: Sequence[Waiting], now: float, window: Window, turns: Turns, pace: Pace) -> Batch | Pause:
    """The batch led by whose turn it is, once it is full or no more company is to be waited for.

    `queue` is in order of arrival and not empty. Accounts take turns and each account's oldest goes first, so that
    neither a rare size nor a quiet key is ever starved by a popular one. A background request lets everybody else go
    first for its time, and is then one like any other: a busy engine would never answer it. The two never share a
    batch: neither the time of the one nor the pixels of the other shall depend on it.
    """
    in_turn = turns.order(queue)
    first = next((place for place in in_turn if now - queue[place].arrived >= queue[place].defer), in_turn[0])
    lead = queue[first]
    company = [
        first,
        *(
            place
            for place in in_turn
            if place != first
            and queue[place].background is lead.background
            and compatible(lead.parameters, queue[place].parameters)
        ),
    ]
    most = pace.most_together(lead.parameters, window.max_batch)
    patience = _company_until(lead, len(company), most, window, pace) - now
    return Batch(tuple(company[:most])) if patience <= 0 else Pause(patience)


def _company_until(lead: Waiting, present: int, most: int, window: Window, pace: Pace) -> float:
    """Until when more company is worth waiting for.

    Nobody waits longer than one of their own steps takes: that is what company may cost. The other images of the same
    request are waited for so long; strangers only where another request usually follows within that time, and not
    once the usual gaps have gone by without one. A lone request on a quiet engine does not wait at all.
    """
    if present >= most:
        return lead.arrived
    wait = min(window.max_wait, pace.step_seconds(lead.parameters))
    if present < min(lead.siblings, most):
        return lead.arrived + wait
    if pace.gap > wait:
        return lead.arrived
    return min(lead.arrived + wait, pace.last_arrival + _QUIET_GAPS * pace.gap)
