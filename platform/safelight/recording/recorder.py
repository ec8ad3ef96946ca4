"""The door every generation goes through: what is recorded here is not lost."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from opentelemetry import trace

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Generation
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.metering import count
from safelight.recording.redaction import Redactor
from safelight.settings import OnFull, RedactionSettings
from safelight.store.journal import Entry, JournalUnwritable

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("safelight")

Made: TypeAlias = tuple[Generation, bytes | None]
"""A generation and its PNG."""


class Recorded(StrEnum):
    """What became of a generation that was to be recorded."""

    DURABLE = "durable"
    UNLOGGED = "unlogged"


@dataclass(frozen=True)
class RecordingStatus:
    """How recording fares in this process. `unlogged` counts since it started; the rest is what waits now.

    `fill` is how full the journal is, from 0 to 1.
    """

    unlogged: int
    backlog: int
    backlog_bytes: int
    fill: float
    oldest_seconds: float
    refused: int


class Recorder:
    """Records generations in the durable journal of this process."""

    def __init__(
        self, journal: Journal, losses: Losses, clock: Clock, on_full: OnFull, redact: Redactor | None = None
    ) -> None:
        """Whatever `redact` takes out of a generation is written nowhere."""
        self._journal = journal
        self._redact = redact or Redactor(RedactionSettings())
        self._losses = losses
        self._clock = clock
        self._on_full = on_full
        self._losing = False

    @property
    def unlogged(self) -> int:
        """How many generations were served without being recorded since this process started."""
        return self._losses.total

    def status(self) -> RecordingStatus:
        """Blocks: not for the event loop."""
        waiting = self._journal.backlog()
        age = 0.0 if waiting.oldest is None else (self._clock.now() - waiting.oldest).total_seconds()
        return RecordingStatus(
            self.unlogged, waiting.entries, waiting.bytes, waiting.fill, max(0.0, age), waiting.refused
        )

    def find(self, identifier: UUID) -> Entry | None:
        """A generation that is recorded but not in the database yet. Blocks: not for the event loop."""
        return self._journal.find(identifier)

    async def record(self, generation: Generation, image: bytes | None, on_full: OnFull | None = None) -> Recorded:
        """Returns once the generation and its PNG are on disk.

        Where the journal cannot write, `on_full` decides (the setting's value unless given): SERVE counts the
        generation as unlogged and returns; REFUSE raises `journal_full`.
        """
        return await self._commit([self._entry(generation, image)], [generation], on_full or self._on_full)

    async def record_all(self, made: Sequence[Made]) -> None:
        """Returns once all of them are on disk, with one commit. Raises `journal_full`, and then none of them is."""
        entries = await asyncio.to_thread(lambda: [self._entry(*each) for each in made])
        await self._commit(entries, [generation for generation, _ in made], OnFull.REFUSE)

    def _entry(self, generation: Generation, image: bytes | None) -> Entry:
        """What the journal keeps of it."""
        return Entry(generation.id, self._clock.now(), self._redact(generation).model_dump_json(), image)

    async def _commit(self, entries: Sequence[Entry], generations: Sequence[Generation], on_full: OnFull) -> Recorded:
        try:
            with _tracer.start_as_current_span("journal"):
                # Shielded: a caller that goes away takes its answer along, not the commit.
                await asyncio.shield(asyncio.wrap_future(self._journal.append(entries)))
        except JournalUnwritable as error:
            if on_full is OnFull.REFUSE:
                raise SafelightError(
                    Kind.UNAVAILABLE,
                    "journal_full",
                    "The generation cannot be recorded: the local journal cannot write. Try again later; an operator "
                    "should see whether the database and the image store are reachable and the disk has room.",
                ) from error
            if not self._losing:
                logger.error("serving unlogged: the journal cannot write (%s)", error)
            self._losing = True
            for generation in generations:
                self._losses.add(generation)
                count(generation)
            return Recorded.UNLOGGED
        if self._losing:
            logger.warning("the journal writes again; %d generations are unlogged since the start", self.unlogged)
        self._losing = False
        for generation in generations:
            count(generation)
        return Recorded.DURABLE
