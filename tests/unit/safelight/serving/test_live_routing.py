"""A gateway goes on looking at what serves, whatever came of one look."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from safelight.clock import ManualClock
from safelight.serving.live_routing import LiveRouting
from safelight.serving.routing import RoutingTable
from safelight.store.database import Database

FOUND = RoutingTable({"studio": None})


class Stumbling(LiveRouting):
    """The first look at the store ends in an error that nobody thought of."""

    def __init__(self) -> None:
        super().__init__(cast(Database, None), "gateway-1", ManualClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
        self.looks = 0

    def _heads(self) -> dict[str, int]:
        return {}

    def _read(self) -> RoutingTable:
        self.looks += 1
        if self.looks == 1:
            raise LookupError("a version that is not there")
        return FOUND

    def _report(self, heads: Mapping[str, int]) -> None:
        pass


def test_a_look_that_fails_is_not_the_last() -> None:
    async def story() -> RoutingTable:
        routing = Stumbling()
        looking = asyncio.create_task(routing.run())
        await routing.wait_for_refresh(5.0)
        looking.cancel()
        return routing.table

    assert asyncio.run(story()) == FOUND
