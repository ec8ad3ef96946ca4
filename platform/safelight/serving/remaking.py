"""Makes one logged generation again: of its envelope, on any version, behind everybody else's requests."""

import asyncio
import logging
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from registry.parameters import Requested
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.redaction import REDACTED
from safelight.serving.attempt import failure_of
from safelight.serving.live_routing import ALIVE
from safelight.serving.missing import reason_to_give_up
from safelight.serving.replaying import Maker
from safelight.serving.request import GenerationRequest
from safelight.serving.running import keep_at
from safelight.store import access, engines, generation_replays, generations, versions
from safelight.store.database import Database, Session, StoreError
from safelight.store.engines import KnownEngine
from safelight.store.generation_replays import KnownReplay
from safelight.store.generations import StoredGeneration
from safelight.store.versions import KnownVersion

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_HELD = timedelta(minutes=3)
"""Longer than one image takes."""


def order(
    session: Session, record: Generation | StoredGeneration, version: int | None, *, actor: str, now: datetime
) -> KnownReplay:
    """Have a generation made again, on the version that made it unless another one is named.

    A version that no engine holds is loaded for it. Raises SafelightError cannot_replay, version_not_found.
    """
    why = _obstacle(record)
    if why is not None:
        raise SafelightError(Kind.CONFLICT, "cannot_replay", f"Generation {record.id} {why}.")
    number = record.version if version is None else version
    if versions.require_version(session, record.generator, number).external:
        raise SafelightError(Kind.CONFLICT, "cannot_replay", f"Version {number} is served by somebody else's service.")
    access.record_audit(session, now, actor, "generation.replay", str(record.id), f"on version {number}")
    return generation_replays.order(
        session, generation_id=record.id, generator=record.generator, version=number, actor=actor, now=now
    )


def _obstacle(record: Generation | StoredGeneration) -> str | None:
    if record.source != Source.ENGINE:
        return "was made elsewhere: what else it was made of is not known here"
    if record.outcome != Outcome.SERVED:
        return f"was {record.outcome}: there is no image to hold another one against"
    if record.envelope.get(REDACTED):
        return "was logged without what had to be taken out of its prompt: what was asked for is not known any more"
    if isinstance(record, StoredGeneration) and record.image_key is None:
        return "has no image any more to hold another one against"
    return None


def requested(record: StoredGeneration) -> Requested:
    """What an engine was asked for, every parameter as it was resolved then."""
    known = {field.name for field in fields(Requested)}
    parameters = {name: value for name, value in record.parameters.items() if name in known}
    return Requested(**parameters | {"prompt": record.final_prompt or record.prompt, "seed": record.seed, "n": 1})


@dataclass(frozen=True)
class _Taken:
    replay: KnownReplay
    request: GenerationRequest
    version: KnownVersion
    engine: KnownEngine


class Remaker:
    """One image at a time. Any number may run: a replay is one's at a time, and begun anew where its maker died."""

    def __init__(self, database: Database, maker: Maker, clock: Clock, name: str) -> None:
        """`name` is unique among remakers."""
        self._database = database
        self._maker = maker
        self._clock = clock
        self._name = name

    async def run(self) -> None:
        """Until cancelled."""
        await keep_at("replays", self.step, _POLL_SECONDS)

    async def step(self) -> bool:
        """Make the oldest replay whose version an engine holds; whether there was one."""
        taken = await asyncio.to_thread(self._take)
        if taken is None:
            return False
        try:
            made = await self._maker.make_on(taken.request, taken.version, taken.engine)
            error = None if made.png else failure_of(made.generation)
            await asyncio.to_thread(self._note, taken.replay, made.generation.id, error)
        except StoreError:
            raise  # it is made again when the database is back
        except Exception as failure:  # noqa: BLE001 - whatever it was, it must not be tried for ever
            await asyncio.to_thread(self._note, taken.replay, None, _told(taken.replay, failure))
        return True

    def _take(self) -> _Taken | None:
        now = self._clock.now()
        with self._database.reading() as session:
            waiting = generation_replays.to_be_made(session)
            ready = engines.ready(session, now - ALIVE) if waiting else []
        held = {(engine.generator, engine.version): engine for engine in ready}
        for replay in waiting:
            try:
                with self._database.transaction() as session:
                    taken = self._try(session, replay, held.get((replay.generator, replay.version)), now)
            except StoreError:
                raise
            except Exception as failure:  # noqa: BLE001 - the oldest comes first: the others would wait behind it
                self._note(replay, None, _told(replay, failure))
                continue
            if taken is not None:
                return taken
        return None

    def _try(self, session: Session, replay: KnownReplay, engine: KnownEngine | None, now: datetime) -> _Taken | None:
        if engine is None:
            self._give_up_in_the_end(session, replay, now)
        elif generation_replays.take(session, replay.id, self._name, now, now + _HELD):
            return self._taken(session, replay, engine, now)
        return None

    def _taken(self, session: Session, replay: KnownReplay, engine: KnownEngine, now: datetime) -> _Taken | None:
        record = generations.find(session, replay.generation_id)
        if record is None:
            # It is on its way, unless it was deleted meanwhile.
            self._give_up_in_the_end(session, replay, now)
            return None
        request = GenerationRequest(
            generator=replay.generator,
            requested=requested(record),
            arm=Arm.REPLAY,
            id=replay.id,
            # Whoever has the original forgotten has this forgotten too.
            api_key_id=record.api_key_id,
            tenant=record.tenant,
            end_user=record.end_user,
        )
        return _Taken(replay, request, versions.require_version(session, replay.generator, replay.version), engine)

    def _give_up_in_the_end(self, session: Session, replay: KnownReplay, now: datetime) -> None:
        error = reason_to_give_up(session, replay.generator, replay.version, replay.ordered_at, now)
        if error is not None:
            generation_replays.fail(session, replay.id, error, now)

    def _note(self, replay: KnownReplay, made_id: UUID | None, error: SafelightError | None) -> None:
        with self._database.transaction() as session:
            if error is not None:
                generation_replays.fail(session, replay.id, error, self._clock.now())
            elif made_id is not None:
                generation_replays.made(session, replay.id, made_id, self._clock.now())


def _told(replay: KnownReplay, failure: Exception) -> SafelightError:
    """What the one who ordered a replay is told of what ended it."""
    if isinstance(failure, SafelightError):
        return failure
    logger.error("replay %s of generation %s failed", replay.id, replay.generation_id, exc_info=failure)
    why = f"It could not be made again ({type(failure).__name__}). The log of the API process has the details."
    return SafelightError(Kind.UNAVAILABLE, "replay_failed", why)
