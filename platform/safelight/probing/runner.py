"""Makes ordered probes through the gateway of this process: recorded and scored on the way of every generation."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from safelight.clock import Clock
from safelight.errors import SafelightError
from safelight.probing.assigning import Task, assign, deferral, is_overtaken, tasks
from safelight.probing.sets import Probe
from safelight.recording.generation import Arm, Outcome
from safelight.serving.live_routing import ALIVE
from safelight.serving.request import Generated, GenerationRequest
from safelight.serving.running import keep_at
from safelight.store import engines, probe_images, probe_sets, probes, versions
from safelight.store.database import Database, Session
from safelight.store.engines import KnownEngine
from safelight.store.probe_images import ProbeImage
from safelight.store.probes import TO_BE_MADE, KnownRun, RunState
from safelight.store.versions import KnownVersion

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_CLAIM = timedelta(minutes=3)
"""Longer than a handful of images takes: a claim is renewed with each handful."""


class Maker(Protocol):
    """Makes an image on an engine of its choice; `safelight.serving.gateway.Gateway` says how."""

    async def make_on(
        self, request: GenerationRequest, version: KnownVersion, engine: KnownEngine, defer: float
    ) -> Generated: ...


@dataclass(frozen=True)
class _Claimed:
    run: KnownRun
    engine: KnownEngine
    version: KnownVersion
    probes: Sequence[Probe]
    made: frozenset[Task]


class ProbeRunner:
    """Any number may run: a run is claimed by one of them, and taken over where its claim has lapsed."""

    def __init__(self, database: Database, maker: Maker, clock: Clock, name: str, at_once: int) -> None:
        """`name` is unique among runners; `at_once` images of a run are in flight together."""
        self._database = database
        self._maker = maker
        self._clock = clock
        self._name = name
        self._at_once = at_once

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as making:

            async def begin() -> None:
                for claimed in await asyncio.to_thread(self._claim):
                    making.create_task(self._make(claimed))

            await keep_at("probes", begin, _POLL_SECONDS)

    async def run_once(self) -> int:
        """Make what can be begun now; returns how many runs that were."""
        claimed = await asyncio.to_thread(self._claim)
        await asyncio.gather(*map(self._make, claimed))
        return len(claimed)

    def _claim(self) -> list[_Claimed]:
        now = self._clock.now()
        with self._database.reading() as session:
            if not assign(probes.in_states(session, TO_BE_MADE), engines.ready_for_probes(session, now - ALIVE), now):
                return []
        with self._database.transaction() as session:
            waiting = probes.in_states(session, TO_BE_MADE, lock=True)
            chosen = assign(waiting, engines.ready_for_probes(session, now - ALIVE), now)
            return [self._claimed(session, run, engine) for run, engine in chosen]

    def _claimed(self, session: Session, run: KnownRun, engine: KnownEngine) -> _Claimed:
        claimed = probes.claim(
            session,
            run.id,
            self._name,
            self._clock.now() + _CLAIM,
            replica=engine.host,
            environment_digest=engine.environment_digest,
        )
        return _Claimed(
            claimed,
            engine,
            versions.require_version(session, run.generator, run.version),
            [Probe.model_validate(each) for each in probe_sets.get(session, run.set_id).probes],
            frozenset(probe_images.places(session, run.id)),
        )

    async def _make(self, claimed: _Claimed) -> None:
        try:
            wanted = tasks(claimed.run, claimed.made)
            for start in range(0, len(wanted), self._at_once):
                handful = wanted[start : start + self._at_once]
                images = await asyncio.gather(*(self._image(claimed, task) for task in handful))
                if not await asyncio.to_thread(self._keep, claimed.run, images):
                    return
            await asyncio.to_thread(self._finish, claimed.run)
        except Exception:  # one that got out would end the runs beside it
            logger.exception("probes of %s were not finished; their claim lapses", claimed.run.generator)

    async def _image(self, claimed: _Claimed, task: Task) -> ProbeImage:
        place, repeat = task
        # The run's id stands on the record of each of its generations.
        request = GenerationRequest(
            generator=claimed.run.generator,
            requested=claimed.probes[place].requested,
            arm=Arm.PROBE,
            id=claimed.run.id,
        )
        try:
            generated = await self._maker.make_on(request, claimed.version, claimed.engine, deferral(claimed.run))
        except SafelightError as refusal:
            return ProbeImage(place, repeat, request.id, Outcome.FAILED.value, refusal.code)
        made = generated.generation
        return ProbeImage(place, repeat, made.id, made.outcome.value, made.error_code)

    def _keep(self, run: KnownRun, images: Sequence[ProbeImage]) -> bool:
        """Write down what was made; whether the rest is still wanted, of us and now."""
        with self._database.transaction() as session:
            current = probes.get(session, run.id)
            if current.state is not RunState.MAKING or current.claimed_by != self._name:
                return False
            probe_images.add(session, run.id, images)
            if all(image.error_code == "engine_lost" for image in images):
                probes.made(session, run.id, self._clock.now())
                return False
            if is_overtaken(current, probes.in_states(session, (RunState.ORDERED,))):
                probes.release(session, run.id)
                return False
            probes.claim(session, run.id, self._name, self._clock.now() + _CLAIM)
            return True

    def _finish(self, run: KnownRun) -> None:
        with self._database.transaction() as session:
            current = probes.get(session, run.id)
            if current.state is RunState.MAKING and current.claimed_by == self._name:
                probes.made(session, run.id, self._clock.now())
