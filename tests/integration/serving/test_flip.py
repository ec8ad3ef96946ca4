"""A release under load: no request fails, and within a second nothing goes the old way."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

from registry.ledger import EntryKind
from safelight.clock import SystemClock
from safelight.recording.generation import Arm, Outcome
from safelight.serving.replaying import Replayer
from safelight.store import baseline_jobs, releases, versions
from safelight.store.baseline_jobs import NewJob, Phase
from safelight.store.versions import KnownVersion

CLOCK = SystemClock()
Start = Callable[[Any, int], Any]


def test_flips_under_load_cost_no_request_and_take_less_than_a_second(
    serving: Any, log: Any, start_load: Start
) -> None:
    async def story() -> None:
        async with serving.gateway(log) as gateway:
            load = start_load(gateway, 6)
            await load.reach(10)
            urls = {version: engine.url for version, engine in serving.ready().items()}
            for before, after, kind in ((1, 2, EntryKind.PROMOTE), (2, 1, EntryKind.ROLLBACK)):
                entry = await asyncio.to_thread(serving.release, after, kind)
                await asyncio.to_thread(serving.wait_until, partial(is_routed_by, serving, entry.seq))
                await load.reach(len(load.answered) + 20)
                assert serving.last_orders[urls[before]] - entry.at < timedelta(seconds=1)
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


def test_a_candidate_answers_anew_beside_what_serves(serving: Any, log: Any, start_load: Start) -> None:
    number = len(serving.source.folders) + 1
    serving.source.folders.append(serving.source.folders[0])
    candidate = serving.source.get("sprites", number)
    requests = [{"prompt": f"a red cup, number {i}", "seed": i} for i in range(5)]
    with serving.database.transaction() as session:
        known = KnownVersion("sprites", number, candidate.digest, candidate.manifest, "", CLOCK.now(), "tester")
        versions.put_version(session, known)
        job = baseline_jobs.add(
            session,
            NewJob(
                generator="sprites",
                version=number,
                name="candidate",
                source="replay",
                data_from=None,
                data_to=None,
                prompts=requests,
                created_by="tester",
            ),
            CLOCK.now(),
        )

    def phase() -> Phase:
        with serving.database.reading() as session:
            return baseline_jobs.get(session, job.id).phase

    async def story() -> None:
        async with serving.gateway(log) as gateway:
            load = start_load(gateway, 2)
            replaying = asyncio.create_task(Replayer(serving.database, gateway, CLOCK, "one").run())
            await asyncio.to_thread(serving.wait_until, lambda: phase() is Phase.SCORING)
            replaying.cancel()
            await load.stop()
        replayed = [each for each, _ in log.records if each.arm is Arm.REPLAY]
        assert [(each.version, each.prompt, each.seed) for each in replayed] == [
            (number, each["prompt"], each["seed"]) for each in requests
        ]
        assert {each.outcome for each, _ in log.records} == {Outcome.SERVED}
        assert {each.version for each in load.answered} == {1}

    asyncio.run(story())
    serving.wait_until(lambda: serving.ready().keys() == {1, 2})
