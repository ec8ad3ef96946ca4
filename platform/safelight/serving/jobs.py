"""Makes the images of jobs: requests whose sender does not wait for the answer."""

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

from registry.parameters import Requested
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.serving.admission import Refusal
from safelight.serving.request import Generated, GenerationRequest
from safelight.serving.running import keep_at
from safelight.store import generation_jobs
from safelight.store.database import Database, StoreError
from safelight.store.generation_jobs import KnownJob

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_HELD = timedelta(seconds=30)
"""A worker that has not been heard of for so long has ended, and its jobs are another's."""
_MOST_TRIES = 3
_SENTENCE = "The processes that worked on this job ended before it was done, {} times. Send it again."


class Generating(Protocol):
    """Makes images; `safelight.serving.gateway.Gateway` says how."""

    async def generate(self, request: GenerationRequest) -> list[Generated]: ...

    async def progress(self, requests: Collection[UUID]) -> dict[UUID, float]: ...


class JobRunner:
    """Any number may run: a job is one's at a time, and another takes it up where its worker has ended."""

    def __init__(self, database: Database, gateway: Generating, clock: Clock, name: str, at_once: int) -> None:
        """`name` is unique among runners; `at_once` jobs are worked on together."""
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._name = name
        self._at_once = at_once
        self._running: dict[UUID, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled; what is not done then is put back."""
        try:
            await keep_at("background jobs", self.step, _LOOK_SECONDS)
        finally:
            await self._put_all_back()

    async def step(self) -> None:
        """Tell how far the jobs have come, stop those that were cancelled, and begin others."""
        mine = await self._gateway.progress(self._running.keys())
        still = await asyncio.to_thread(self._keep, mine)
        for job_id in mine.keys() - still:
            if job_id in self._running:
                self._running[job_id].cancel()
        for job in await asyncio.to_thread(self._take, self._at_once - len(self._running)):
            self._running[job.id] = task = asyncio.create_task(self._make(job))
            task.add_done_callback(partial(self._forget, job.id))

    def _keep(self, progress: dict[UUID, float]) -> set[UUID]:
        if not progress:
            return set()
        with self._database.transaction() as session:
            return generation_jobs.keep(session, self._name, progress, self._clock.now() + _HELD)

    def _take(self, room: int) -> list[KnownJob]:
        now = self._clock.now()
        with self._database.reading() as session:
            waiting = generation_jobs.next_in_turn(session, now, room) if room > 0 else []
        if not waiting:
            return []
        with self._database.transaction() as session:
            taken = [job for job in waiting if generation_jobs.take(session, job.id, self._name, now, now + _HELD)]
            given_up = [job for job in taken if job.tries >= _MOST_TRIES]
            for job in given_up:
                error = SafelightError(Kind.UNAVAILABLE, "job_interrupted", _SENTENCE.format(job.tries))
                generation_jobs.fail(session, job.id, self._name, error, now)
        return [job for job in taken if job not in given_up]

    async def _make(self, job: KnownJob) -> None:
        request = GenerationRequest(
            generator=job.generator,
            requested=Requested(**job.requested),
            api_key_id=job.api_key_id,
            tenant=job.tenant,
            end_user=job.end_user,
            id=job.id,
        )
        try:
            made = await self._gateway.generate(request)
            await asyncio.to_thread(self._finish, job, [each.generation.id for each in made])
        except SafelightError as error:
            await asyncio.to_thread(self._fail, job, error)
        except Exception:
            logger.exception("job %s has not come to an end; it is taken up again once it lapses", job.id)

    def _forget(self, job_id: UUID, _task: asyncio.Task[None]) -> None:
        del self._running[job_id]

    def _finish(self, job: KnownJob, generations: list[UUID]) -> None:
        with self._database.transaction() as session:
            generation_jobs.finish(session, job.id, self._name, generations, self._clock.now())

    def _fail(self, job: KnownJob, error: SafelightError) -> None:
        now = self._clock.now()
        with self._database.transaction() as session:
            if error.code in set(Refusal):  # there is no room now: a job can wait
                later = now + timedelta(seconds=int(str(error.details["retry_after"])))
                generation_jobs.put_back(session, job.id, self._name, later)
            else:
                generation_jobs.fail(session, job.id, self._name, error, now)

    async def _put_all_back(self) -> None:
        unfinished = dict(self._running)
        for task in unfinished.values():
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished.values())
            await asyncio.to_thread(self._put_back, unfinished.keys())

    def _put_back(self, jobs: Collection[UUID]) -> None:
        now = self._clock.now()
        try:
            with self._database.transaction() as session:
                for job_id in jobs:
                    generation_jobs.put_back(session, job_id, self._name, now)
        except StoreError:
            logger.warning("the database does not answer; jobs are taken up again once they lapse")
