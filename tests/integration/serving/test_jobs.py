"""Jobs are made in the background, survive whoever works on them, and say clearly what became of them."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from safelight.clock import ManualClock
from safelight.errors import Kind, SafelightError
from safelight.ids import new_id
from safelight.serving.jobs import JobRunner
from safelight.serving.request import Generated, GenerationRequest
from safelight.store import generation_jobs
from safelight.store.database import Database
from safelight.store.generation_jobs import KnownJob, NewJob
from safelight.store.job_state import JobState

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE = UUID(int=99)


@dataclass
class _Made:
    id: UUID


@dataclass
class _Gateway:
    """Makes images when its gate is open, or fails as it was told."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[SafelightError] = field(default_factory=list)
    asked: list[GenerationRequest] = field(default_factory=list)
    cancelled: int = 0

    async def generate(self, request: GenerationRequest) -> list[Generated]:
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [Generated(cast(Any, _Made(IMAGE)), b"png")]

    async def progress(self, requests: Collection[UUID]) -> dict[UUID, float]:
        return dict.fromkeys(requests, 0.25)


@dataclass
class World:
    database: Database
    clock: ManualClock

    def runner(self, gateway: _Gateway, name: str = "a", at_once: int = 4) -> JobRunner:
        return JobRunner(self.database, gateway, self.clock, name, at_once)

    def add(self) -> UUID:
        new = NewJob(
            id=new_id(),
            generator="sprites",
            requested={"prompt": "a cat", "seed": 7},
            images=1,
            api_key_id=UUID(int=5),
            tenant="somebody",
            end_user="user-17",
            created_by="tester",
        )
        with self.database.transaction() as session:
            return generation_jobs.add(session, new, self.clock.now()).id

    def get(self, job_id: UUID) -> KnownJob:
        with self.database.reading() as session:
            return generation_jobs.get(session, job_id)


@pytest.fixture
def world(database: Database) -> World:
    return World(database, ManualClock(MOMENT))


async def until_idle(runner: JobRunner) -> None:
    if runner._running:
        await asyncio.wait(runner._running.values())


def test_a_job_is_made_under_its_own_id_and_done(world: World) -> None:
    async def story() -> None:
        gateway, job = _Gateway(), world.add()
        runner = world.runner(gateway)
        await runner.step()
        await asyncio.sleep(0)
        await runner.step()
        assert (world.get(job).state, world.get(job).progress) == (JobState.RUNNING, 0.25)
        [request] = gateway.asked
        assert (request.id, request.requested.seed, request.tenant, request.end_user) == (job, 7, "somebody", "user-17")
        assert request.account == str(UUID(int=5))
        gateway.gate.set()
        await until_idle(runner)
        assert (world.get(job).state, world.get(job).generation_ids) == (JobState.DONE, (IMAGE,))

    asyncio.run(story())


def test_no_more_are_worked_on_together_than_may_be(world: World) -> None:
    async def story() -> None:
        gateway = _Gateway()
        jobs = [world.add() for _ in range(3)]
        runner = world.runner(gateway, at_once=2)
        for _ in range(2):
            await runner.step()
            await asyncio.sleep(0)
        assert [world.get(job).state for job in jobs] == [JobState.RUNNING, JobState.RUNNING, JobState.QUEUED]
        gateway.gate.set()
        await until_idle(runner)
        await runner.step()
        await until_idle(runner)
        assert world.get(jobs[2]).state is JobState.DONE

    asyncio.run(story())


def test_a_cancelled_job_is_given_up(world: World) -> None:
    async def story() -> None:
        gateway, job = _Gateway(), world.add()
        runner = world.runner(gateway)
        await runner.step()
        await asyncio.sleep(0)
        with world.database.transaction() as session:
            generation_jobs.cancel(session, job, MOMENT)
        await runner.step()
        await until_idle(runner)
        assert (gateway.cancelled, world.get(job).state) == (1, JobState.CANCELLED)

    asyncio.run(story())


def test_a_failure_is_told_and_a_full_queue_is_waited_for(world: World) -> None:
    async def story() -> None:
        full = SafelightError(Kind.BUSY, "rate_limited", "Too many.", retry_after=9)
        broken = SafelightError(Kind.UNAVAILABLE, "no_engine_ready", "None is ready.")
        gateway, job = _Gateway(errors=[broken, full]), world.add()
        runner = world.runner(gateway)
        await runner.step()
        await until_idle(runner)
        assert world.get(job).state is JobState.QUEUED
        await runner.step()
        assert len(gateway.asked) == 1
        world.clock.advance(9)
        await runner.step()
        await until_idle(runner)
        found = world.get(job)
        assert (found.state, found.error_code, found.error) == (JobState.FAILED, "no_engine_ready", "None is ready.")

    asyncio.run(story())


def test_a_process_that_is_stopped_puts_its_jobs_back(world: World) -> None:
    async def story() -> None:
        gateway, job = _Gateway(), world.add()
        running = asyncio.create_task(world.runner(gateway).run())
        while not gateway.asked:  # noqa: ASYNC110 - a thread reads the database meanwhile
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
        assert (world.get(job).state, world.get(job).tries) == (JobState.QUEUED, 0)
        gateway.gate.set()
        after = world.runner(gateway, "b")
        await after.step()
        await until_idle(after)
        assert world.get(job).state is JobState.DONE

    asyncio.run(story())


def test_a_job_whose_process_was_killed_is_taken_up_and_in_the_end_given_up(world: World) -> None:
    async def story() -> None:
        job = world.add()
        for name in ("a", "b", "c"):
            gateway = _Gateway()
            runner = world.runner(gateway, name)
            await runner.step()
            await asyncio.sleep(0)
            assert len(gateway.asked) == 1
            runner._running[job].cancel()  # as a kill would: nobody tells the database
            await until_idle(runner)
            world.clock.advance(timedelta(seconds=31).total_seconds())
        last = world.runner(_Gateway(), "d")
        await last.step()
        found = world.get(job)
        assert (found.state, found.error_code) == (JobState.FAILED, "job_interrupted")
        assert "3 times" in found.error

    asyncio.run(story())
