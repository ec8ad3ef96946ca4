"""The line in which images wait for an engine: by turns of their accounts, for as long as there is hope."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from safelight.recording.generation import Arm
from safelight.serving.fairness import Turns
from safelight.serving.routing import Unavailable
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion


@dataclass(frozen=True)
class Seat:
    """An engine that was given an image, the version that it holds, and the arm that this is."""

    version: KnownVersion
    arm: Arm
    engine: KnownEngine


class NoEngineReady(Exception):
    """There was none for as long as one waits."""


@dataclass(frozen=True)
class Patience:
    """Monotonic times: until when to wait at all, and for how many seconds without any engine."""

    until: float
    without_engine: float


@dataclass(eq=False)
class Place:
    """An image in the line. `first`: its turn has come before, but the engine it was given to broke down."""

    account: str
    work: float
    patience: Patience
    joined: float
    first: bool = False
    called: asyncio.Future[Seat] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Line:
    """Of one arm of a generator. Somebody must call `move` when an engine may have become free, or time has gone by."""

    def __init__(self, claim: Callable[[], Seat | Unavailable], release: Callable[[KnownEngine], None]) -> None:
        """`claim` takes a free engine, which then is the image's until `release`."""
        self._claim = claim
        self._release = release
        self._turns = Turns()
        self._places: list[Place] = []
        self._last_engine = float("-inf")

    def __len__(self) -> int:
        """How many images wait."""
        return len(self._places)

    def join(self, place: Place) -> None:
        self._places.append(place)
        self.move(place.joined)

    async def wait(self, place: Place) -> Seat:
        """The engine, once it is this image's turn. Raises NoEngineReady, and TimeoutError when its time is over."""
        try:
            return await place.called
        except asyncio.CancelledError:
            if place.called.done() and not place.called.cancelled() and place.called.exception() is None:
                self._release(place.called.result().engine)
            raise
        finally:
            if place in self._places:
                self._places.remove(place)

    def move(self, now: float) -> None:
        """Let go whoever's time is over, whoever's turn it is while an engine is free, and whoever has no hope."""
        for place in self._places:
            if now >= place.patience.until and not place.called.done():
                place.called.set_exception(TimeoutError())
        self._forget_called()
        while self._places:
            seat = self._claim()
            if seat is not Unavailable.NONE_READY:
                self._last_engine = now
            if isinstance(seat, Unavailable):
                break
            place = self._next()
            self._places.remove(place)
            place.called.set_result(seat)
        if not self._places:
            self._turns.forgive()
        for place in self._places:
            if now - max(place.joined, self._last_engine) >= place.patience.without_engine:
                place.called.set_exception(NoEngineReady())
        self._forget_called()

    def _forget_called(self) -> None:
        self._places = [place for place in self._places if not place.called.done()]

    def _next(self) -> Place:
        for place in self._places:
            if place.first:
                return place
        chosen = self._places[self._turns.order(self._places)[0]]
        self._turns.give([chosen])
        return chosen
