"""Whose turn it is where several keys want the same engine. Pure.

Start-time fair queueing (Goyal, Vin and Cheng, 1996) over the work that was given to each account, which is what Sheng
et al. ("Fairness in Serving Large Language Models", 2024) do with tokens: an account that asks for much is served when
it is alone, and every other one finds its share whenever it comes.
"""

from collections.abc import Sequence
from typing import Protocol

from registry.parameters import GenerationParameters


class Claimant(Protocol):
    """A request that waits for its turn."""

    @property
    def account(self) -> str:
        """Whose it is."""
        ...

    @property
    def work(self) -> float: ...


def work_of(parameters: GenerationParameters) -> float:
    """What an image takes of an engine: pixels by steps, and twice that with guidance, which renders each step twice.

    Only proportions matter: accounts are compared by it.
    """
    passes = 2 if parameters.guidance > 1 else 1
    return float(parameters.width * parameters.height * parameters.steps * passes)


class Turns:
    """What each account was given, on one virtual clock. Holds only accounts that are ahead of it."""

    def __init__(self) -> None:
        self._now = 0.0
        self._finished: dict[str, float] = {}

    def order(self, queue: Sequence[Claimant]) -> list[int]:
        """The places of `queue`, which is in order of arrival, in the order in which they are to be served."""
        next_start: dict[str, float] = {}
        starts = []
        for place, each in enumerate(queue):
            start = next_start.get(each.account, self._start(each.account))
            starts.append((start, place))
            next_start[each.account] = start + each.work
        return [place for _, place in sorted(starts)]

    def give(self, served: Sequence[Claimant]) -> None:
        """Charge what is served now; the first of them is the one whose turn it was."""
        if not served:
            return
        # Whoever only fills up the batch of another does not move the clock: others would lose what they are due.
        self._now = max(self._now, self._start(served[0].account))
        for each in served:
            self._finished[each.account] = self._start(each.account) + each.work
        self._finished = {account: at for account, at in self._finished.items() if at > self._now}

    def forgive(self) -> None:
        """Nobody waits any more: whoever comes next starts even with everybody else."""
        self._finished.clear()

    def _start(self, account: str) -> float:
        return max(self._now, self._finished.get(account, 0.0))
