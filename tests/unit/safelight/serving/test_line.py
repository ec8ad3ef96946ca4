"""Who gets the engine that becomes free, and who no longer does."""

import asyncio
from typing import cast

import pytest

from safelight.serving.line import Line, NoEngineReady, Patience, Place, Seat
from safelight.serving.routing import Unavailable

SEAT = cast(Seat, object())


class Engines:
    def __init__(self) -> None:
        self.free: Seat | Unavailable = Unavailable.ALL_BUSY
        self.given = 0

    def claim(self) -> Seat | Unavailable:
        found, self.free = self.free, Unavailable.ALL_BUSY
        self.given += not isinstance(found, Unavailable)
        return found


def place(joined: float, until: float) -> Place:
    return Place(account="a", work=1.0, patience=Patience(until, without_engine=30.0), joined=joined)


def test_an_engine_goes_to_nobody_whose_time_is_over() -> None:
    async def story() -> None:
        engines = Engines()
        line = Line(engines.claim, lambda _: None)
        late, waiting = place(0.0, until=5.0), place(1.0, until=60.0)
        line.join(late)
        line.join(waiting)
        engines.free = SEAT
        line.move(6.0)
        with pytest.raises(TimeoutError):
            await line.wait(late)
        assert await line.wait(waiting) is SEAT
        assert engines.given == 1

    asyncio.run(story())


def test_without_any_engine_hope_ends_before_the_time_does() -> None:
    async def story() -> None:
        engines = Engines()
        line = Line(engines.claim, lambda _: None)
        alone = place(0.0, until=600.0)
        line.join(alone)
        engines.free = Unavailable.NONE_READY
        line.move(29.0)
        assert not alone.called.done()
        engines.free = Unavailable.NONE_READY
        line.move(31.0)
        with pytest.raises(NoEngineReady):
            await line.wait(alone)

    asyncio.run(story())


def test_who_leaves_the_line_is_given_nothing() -> None:
    async def story() -> None:
        engines = Engines()
        line = Line(engines.claim, lambda _: None)
        gone = place(0.0, until=60.0)
        line.join(gone)
        task = asyncio.create_task(line.wait(gone))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        engines.free = SEAT
        line.move(1.0)
        assert (len(line), engines.given) == (0, 0)

    asyncio.run(story())
