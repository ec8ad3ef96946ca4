"""Taking in generations made elsewhere: checked, then recorded exactly like our own."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError, not_found
from safelight.notifying.addresses import Reach, fault_of
from safelight.recording.pixels import as_png, decode
from safelight.recording.recorder import Made, Recorder
from safelight.recording.submission import Submission, parse
from safelight.scoring.seen import Seen, VectorUnreadable
from safelight.settings import IngestSettings
from safelight.store import embedders, versions
from safelight.store.database import Database
from safelight.store.embedders import KnownEmbedder

MOST_LINES = 1000
# Decoded images are large: so many are held in memory at once.
_DECODED_AT_ONCE = 4
# With one commit. As many images are in memory together.
_RECORDED_AT_ONCE = 100

Taken: TypeAlias = UUID | SafelightError
"""The id of a generation that is durably recorded, or why it is not."""


class Ingest:
    """The way in for services that make their own images."""

    def __init__(self, recorder: Recorder, database: Database, clock: Clock, settings: IngestSettings) -> None:
        self._recorder = recorder
        self._database = database
        self._clock = clock
        self._settings = settings
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
        body = body.rstrip()
        if body.count(b"\n") >= MOST_LINES:  # counted before they are parted: there may be millions of empty ones
            raise SafelightError(
                Kind.TOO_LARGE, "too_many_lines", f"A request takes at most {MOST_LINES} lines. Send several."
            )
        return await self._take(body.split(b"\n"), api_key_id)

    async def _take(self, documents: Sequence[bytes], api_key_id: UUID | None) -> list[Taken]:
        parsed, known = await asyncio.to_thread(self._read, documents)
        answers: list[Taken] = []
        for start in range(0, len(parsed), _RECORDED_AT_ONCE):
            prepared = await self._prepare(parsed[start : start + _RECORDED_AT_ONCE], known, api_key_id)
            answers += await self._record(prepared)
        return answers

    def _read(self, documents: Sequence[bytes]) -> tuple[list[Submission | SafelightError], "_Known"]:
        parsed = [_parsed(document) for document in documents]
        return parsed, self._known(each for each in parsed if isinstance(each, Submission))

    async def _prepare(
        self, parsed: Sequence[Submission | SafelightError], known: "_Known", api_key_id: UUID | None
    ) -> list[Made | SafelightError]:
        """In threads: the event loop is everybody's. Images one by one, all that has none at once."""

        def made(each: Submission | SafelightError) -> Made | SafelightError:
            return each if isinstance(each, SafelightError) else self._made(each, known, api_key_id)

        async def decoded(each: Submission | SafelightError) -> Made | SafelightError:
            async with self._decoding:
                return await asyncio.to_thread(made, each)

        def has_image(each: Submission | SafelightError) -> bool:
            return isinstance(each, Submission) and each.image is not None

        pictured = iter(await asyncio.gather(*(decoded(each) for each in parsed if has_image(each))))
        others = await asyncio.to_thread(lambda: [None if has_image(each) else made(each) for each in parsed])
        return [next(pictured) if each is None else each for each in others]

    async def _record(self, prepared: Sequence[Made | SafelightError]) -> list[Taken]:
        made = [each for each in prepared if not isinstance(each, SafelightError)]
        if not made:
            return [each for each in prepared if isinstance(each, SafelightError)]
        try:
            # Who sends a generation is told that it is kept, or that it is not: it is never dropped in silence.
            await self._recorder.record_all(made)
        except SafelightError as error:
            if len(made) > 1:
                # One that is too large for the room there is must not cost the others theirs.
                return [taken for each in prepared for taken in await self._record([each])]
            return [each if isinstance(each, SafelightError) else error for each in prepared]
        return [each if isinstance(each, SafelightError) else each[0].id for each in prepared]

    def _made(self, submission: Submission, known: "_Known", api_key_id: UUID | None) -> Made | SafelightError:
        try:
            digest = known.digests.get((submission.generator, submission.version))
            if digest is None:
                raise not_found("version", f"{submission.version} of {submission.generator}")
            if submission.seen is not None:
                check_seen(submission.seen, known.embedder)
            if submission.image_uri is not None:
                check_image_uri(submission.image_uri, self._settings)
            data = submission.image_bytes()
            image = None if data is None else decode(data)
            size = None if image is None else image.size
            generation = submission.generation(self._clock.now(), digest, api_key_id, size)
            return generation, None if image is None or data is None else as_png(image, data)
        except SafelightError as error:
            return error

    def _known(self, submissions: Iterable[Submission]) -> "_Known":
        named = {(each.generator, each.version) for each in submissions}
        with self._database.reading() as session:
            found = {key: versions.find_version(session, *key) for key in named}
            embedder = embedders.in_use(session)
        return _Known({key: version.digest for key, version in found.items() if version is not None}, embedder)


@dataclass(frozen=True)
class _Known:
    """The bundle digests of the versions named, as far as they are registered, and what images are looked at with."""

    digests: Mapping[tuple[str, int], str]
    embedder: KnownEmbedder | None


def check_seen(seen: Seen, embedder: KnownEmbedder | None) -> None:
    """Embeddings of two spaces are never compared.

    Raises `embedder_unknown`, `embedder_differs`, `embedding_invalid`.
    """
    known = check_embedder(seen.embedder_digest, embedder)
    try:
        seen.vectors(known.dimensions)
    except VectorUnreadable as error:
        raise SafelightError(Kind.INVALID, "embedding_invalid", f"{error}.", field="seen") from None


def check_embedder(named: str, embedder: KnownEmbedder | None) -> KnownEmbedder:
    """The one in use, where it is the one named. Raises `embedder_unknown`, `embedder_differs`."""
    if embedder is None:
        raise SafelightError(
            Kind.UNAVAILABLE,
            "embedder_unknown",
            "No worker has said yet what it looks at images with. Start one, and send this again.",
        )
    if named != embedder.digest:
        raise SafelightError(
            Kind.CONFLICT,
            "embedder_differs",
            f"These embeddings were made with {named}, and images are looked at with {embedder.digest} here. Load the "
            "same weights at the source, or send the image.",
        )
    return embedder


def check_image_uri(uri: str, settings: IngestSettings) -> None:
    """Raises `image_uri_refused`. What its name means is checked when it is fetched."""
    if not settings.fetch_images:
        why = "is not fetched here (ingest.fetch_images)"
    else:
        why = fault_of(uri, Reach(private=settings.allow_private_addresses)) or ""
    if why:
        raise SafelightError(
            Kind.INVALID,
            "image_uri_refused",
            f"The image's address {why}. Give a public https:// address, signed where it must be, or send the image.",
            field="image_uri",
        )


def _parsed(document: bytes) -> Submission | SafelightError:
    try:
        return parse(document)
    except SafelightError as error:
        return error
