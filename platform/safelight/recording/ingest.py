"""Taking in generations made elsewhere: checked, then recorded exactly like our own."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeAlias
from uuid import UUID

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError, not_found
from safelight.recording.generation import Generation
from safelight.recording.pixels import as_png, decode
from safelight.recording.recorder import Recorder
from safelight.recording.submission import Submission, parse
from safelight.settings import OnFull
from safelight.store import versions
from safelight.store.database import Database

MOST_LINES = 1000
# Decoded images are large: so many are held in memory at once.
_DECODED_AT_ONCE = 4

Taken: TypeAlias = UUID | SafelightError
"""The id of a generation that is durably recorded, or why it is not."""


class Ingest:
    """The way in for services that make their own images."""

    def __init__(self, recorder: Recorder, database: Database, clock: Clock) -> None:
        self._recorder = recorder
        self._database = database
        self._clock = clock
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)

    async def take(self, document: bytes, api_key_id: UUID | None) -> UUID:
        """Records one generation (JSON) and returns its id. Raises a SafelightError, and then nothing is recorded."""
        (taken,) = await self._take([document], api_key_id)
        if isinstance(taken, SafelightError):
            raise taken
        return taken

    async def take_lines(self, body: bytes, api_key_id: UUID | None) -> list[Taken]:
        """Records many generations (NDJSON), each line for itself; blank lines at the end are none.

        Raises `too_many_lines`, and then nothing is recorded.
        """
        lines = body.rstrip().split(b"\n")
        if len(lines) > MOST_LINES:
            raise SafelightError(
                Kind.TOO_LARGE, "too_many_lines", f"A request takes at most {MOST_LINES} lines. Send several."
            )
        return await self._take(lines, api_key_id)

    async def _take(self, documents: Sequence[bytes], api_key_id: UUID | None) -> list[Taken]:
        parsed = [_parsed(document) for document in documents]
        submissions = [each for each in parsed if isinstance(each, Submission)]
        digests = await asyncio.to_thread(self._digests, submissions)

        async def taken(each: Submission | SafelightError) -> Taken:
            if isinstance(each, SafelightError):
                return each
            try:
                return await self._record(each, digests.get((each.generator, each.version)), api_key_id)
            except SafelightError as error:
                return error

        return await asyncio.gather(*map(taken, parsed))

    async def _record(self, submission: Submission, digest: str | None, api_key_id: UUID | None) -> UUID:
        if digest is None:
            raise not_found("version", f"{submission.version} of {submission.generator}")
        async with self._decoding:
            generation, png = await asyncio.to_thread(self._prepare, submission, digest, api_key_id)
        # Who sends a generation is told that it is kept, or that it is not: it is never dropped in silence.
        await self._recorder.record(generation, png, on_full=OnFull.REFUSE)
        return generation.id

    def _prepare(self, submission: Submission, digest: str, api_key_id: UUID | None) -> tuple[Generation, bytes | None]:
        data = submission.image_bytes()
        image = None if data is None else decode(data)
        size = None if image is None else image.size
        generation = submission.generation(self._clock.now(), digest, api_key_id, size)
        return generation, None if image is None or data is None else as_png(image, data)

    def _digests(self, submissions: Iterable[Submission]) -> dict[tuple[str, int], str]:
        """The bundle digests of the versions named, as far as they are registered."""
        named = {(each.generator, each.version) for each in submissions}
        with self._database.reading() as session:
            found = {key: versions.find_version(session, *key) for key in named}
        return {key: version.digest for key, version in found.items() if version is not None}


def _parsed(document: bytes) -> Submission | SafelightError:
    try:
        return parse(document)
    except SafelightError as error:
        return error
