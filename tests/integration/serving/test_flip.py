"""A release under load: no request fails, and within a second nothing goes the old way."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

from registry.ledger import EntryKind
from safelight.recording.generation import Outcome
from safelight.store import releases

Start = Callable[[Any, int], Any]


def test_flips_under_load_cost_no_request_and_take_less_than_a_second(
    serving: Any, log: Any, start_load: Start
) -> None:
    async def story() -> None:
        async with serving.gateway(log) as gateway:
            load = start_load(gateway, 6)
            await load.reach(10)
            for before, after, kind in ((1, 2, EntryKind.PROMOTE), (2, 1, EntryKind.ROLLBACK)):
                entry = await asyncio.to_thread(serving.release, after, kind)
                await asyncio.to_thread(serving.wait_until, partial(is_routed_by, serving, entry.seq))
                await load.reach(len(load.answered) + 20)
                assert gateway.last_dispatch("sprites", before) - entry.at < timedelta(seconds=1)
                assert load.answered[-1].version == after
            await load.stop()
            in_order = sorted(log.records, key=lambda record: record[0].created_at)
            assert [version for version, _ in groupby(each.version for each, _ in in_order)] == [1, 2, 1]
            assert {each.outcome for each, _ in log.records} == {Outcome.SERVED}
            assert {each.id for each in load.answered} == {each.id for each, _ in log.records}

    asyncio.run(story())


def is_routed_by(serving: Any, seq: int) -> bool:
    """Whether the gateway has told the store so."""
    with serving.database.reading() as session:
        return releases.gateways_behind(session, "sprites", seq, alive_since=serving.started) == 0


def test_what_served_before_stays_loaded(serving: Any) -> None:
    assert serving.ready().keys() == {1, 2}
