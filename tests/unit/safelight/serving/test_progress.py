"""How far a request is: the mean over its images, of which some are done and some wait."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from registry.parameters import Requested
from safelight.serving.attempt import Attempt
from safelight.serving.progress import InTheMaking
from safelight.serving.request import GenerationRequest
from safelight.serving.wire import Facts, Order, Progress

REQUEST = GenerationRequest(generator="sprites", requested=Requested(prompt="a cat"), id=UUID(int=1))


class _Engine:
    """Stands in for an engine's row: only its address is looked at."""

    url = "http://engine"


class _Engines:
    def __init__(self) -> None:
        self.asked: list[list[UUID]] = []

    async def order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        raise AssertionError("nothing is ordered here")

    async def progress(self, url: str, orders: Sequence[UUID]) -> dict[UUID, Progress]:
        self.asked.append(list(orders))
        return {UUID(int=11): Progress(step=3, steps=4, ahead=0)}


def attempt(number: int, request: GenerationRequest = REQUEST, **known: Any) -> Attempt:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Attempt(request, UUID(int=number), moment, cast(Any, None), cast(Any, None), **known)


def test_the_images_of_a_request_count_alike() -> None:
    engines = _Engines()
    making = InTheMaking(engines)
    for each in (
        attempt(10, engine=cast(Any, _Engine()), facts=cast(Any, "made")),
        attempt(11, engine=cast(Any, _Engine())),
        attempt(12, engine=cast(Any, _Engine())),
        attempt(13),
        attempt(20, replace(REQUEST, id=UUID(int=2))),
    ):
        making.add(each)
    unknown = UUID(int=3)
    found = asyncio.run(making.progress([UUID(int=1), UUID(int=2), unknown]))
    assert found == {UUID(int=1): (1 + 0.75) / 4, UUID(int=2): 0.0, unknown: 0.0}
    assert engines.asked == [[UUID(int=11), UUID(int=12)]]
    making.forget(UUID(int=1))
    assert asyncio.run(making.progress([UUID(int=1)])) == {UUID(int=1): 0.0}
