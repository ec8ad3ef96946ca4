"""Makes the images of replays: a version that need not serve answers requests anew, behind everybody else's."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from registry.parameters import Requested
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Arm
from safelight.serving.live_routing import ALIVE
from safelight.serving.missing import reason_to_give_up
from safelight.serving.request import Generated, GenerationRequest
from safelight.serving.running import keep_at
from safelight.store import baseline_jobs, engines, versions
from safelight.store.baseline_jobs import KnownJob, Phase
from safelight.store.database import Database, Session
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion

_POLL_SECONDS = 0.5
_PHASES = (Phase.LOADING, Phase.GENERATING)
_HELD = timedelta(minutes=3)
"""Longer than one image takes: a job is held anew with each."""
_MOST_FAILURES = 20
"""In a row: a version that makes nothing is given up."""


class Maker(Protocol):
    """Makes an image on an engine of its choice; `safelight.serving.gateway.Gateway` says how."""

    async def make_on(self, request: GenerationRequest, version: KnownVersion, engine: KnownEngine) -> Generated: ...


@dataclass(frozen=True)
class _Taken:
    """A job of this replayer's. Without an engine its version is still being loaded."""

    job: KnownJob
    version: KnownVersion
    requests: Sequence[dict[str, Any]]
    engine: KnownEngine | None


class Replayer:
    """One image at a time. Any number may run: a job is one's at a time, and another goes on where one ended."""

    def __init__(self, database: Database, maker: Maker, clock: Clock, name: str) -> None:
        """`name` is unique among replayers."""
        self._database = database
        self._maker = maker
        self._clock = clock
        self._name = name

    async def run(self) -> None:
        """Until cancelled."""
        await keep_at("replays for baselines", self.step, _POLL_SECONDS)

    async def step(self) -> None:
        """Take the oldest replay as far as it goes without waiting."""
        taken = await asyncio.to_thread(self._take)
        if taken is None or taken.engine is None:
            return
        try:
            await self._make(taken, taken.engine)
        except SafelightError as refusal:
            await asyncio.to_thread(self._give_up, taken.job, refusal)

    def _take(self) -> _Taken | None:
        now = self._clock.now()
        with self._database.reading() as session:
            waiting = [job for job in baseline_jobs.unfinished(session) if job.phase in _PHASES]
        for job in waiting:
            with self._database.transaction() as session:
                if baseline_jobs.take(session, job.id, _PHASES, self._name, now, now + _HELD):
                    return self._taken(session, job)
        return None

    def _taken(self, session: Session, job: KnownJob) -> _Taken:
        version = versions.require_version(session, job.generator, job.version)
        engine = self._engine(session, job)
        if engine is None:
            self._wait(session, job)
        elif job.phase is Phase.LOADING:
            until = self._clock.now() + _HELD
            baseline_jobs.take(session, job.id, _PHASES, self._name, self._clock.now(), until, enter=Phase.GENERATING)
        return _Taken(job, version, baseline_jobs.prompts(session, job.id) if engine else (), engine)

    def _engine(self, session: Session, job: KnownJob) -> KnownEngine | None:
        ready = engines.ready(session, self._clock.now() - ALIVE)
        return next((each for each in ready if (each.generator, each.version) == (job.generator, job.version)), None)

    def _wait(self, session: Session, job: KnownJob) -> None:
        """An engine that was lost is waited for like one that has never been there."""
        now = self._clock.now()
        if job.phase is Phase.GENERATING:
            baseline_jobs.take(session, job.id, _PHASES, self._name, now, now + _HELD, enter=Phase.LOADING)
            return
        error = reason_to_give_up(session, job.generator, job.version, job.phase_at, now)
        if error is not None:
            baseline_jobs.fail(session, job.id, self._name, error, now)

    async def _make(self, taken: _Taken, engine: KnownEngine) -> None:
        job, failures = taken.job, 0
        for place in range(job.done, job.total):
            # The job's id stands on the record of each of its images.
            request = GenerationRequest(
                generator=job.generator, requested=Requested(**taken.requests[place]), arm=Arm.REPLAY, id=job.id
            )
            made = await self._maker.make_on(request, taken.version, engine)
            failures = 0 if made.png else failures + 1
            if failures == _MOST_FAILURES:
                raise SafelightError(
                    Kind.UNAVAILABLE,
                    "replay_failed",
                    f"Version {job.version} failed to make {_MOST_FAILURES} images in a row, the last of them with "
                    f"{made.generation.error_code}.",
                )
            if not await asyncio.to_thread(self._note, job, place + 1):
                return  # it was cancelled, or the engine is gone
        await asyncio.to_thread(self._hand_on, job)

    def _note(self, job: KnownJob, done: int) -> bool:
        with self._database.transaction() as session:
            mine = baseline_jobs.advance(session, job.id, self._name, done=done, until=self._clock.now() + _HELD)
            return mine and self._engine(session, job) is not None

    def _hand_on(self, job: KnownJob) -> None:
        with self._database.transaction() as session:
            baseline_jobs.hand_on(session, job.id, self._name, Phase.SCORING, self._clock.now())

    def _give_up(self, job: KnownJob, error: SafelightError) -> None:
        with self._database.transaction() as session:
            baseline_jobs.fail(session, job.id, self._name, error, self._clock.now())
