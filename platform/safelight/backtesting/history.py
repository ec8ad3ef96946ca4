"""The log of an installation as a stream: it was measured when it was scored, so nothing is measured again."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from safelight.backtesting.gathering import Shelf, Stream
from safelight.backtesting.recording import Details, Measured
from safelight.errors import Kind, SafelightError
from safelight.recording.images import ImageStore, thumbnail_key
from safelight.store import history, versions
from safelight.store.database import Database
from safelight.store.history import Logged, Stretch
from safelight.store.scores import ScoredGeneration
from safelight.watching.samples import JUDGED_ARMS, row

NOT_SERVED, NOT_SCORED, OTHER_EMBEDDER = "not_served", "not_scored", "other_embedder"
_PAGE = 1_000


@contextmanager
def recalled(
    database: Database,
    images: ImageStore,
    where: Stretch,
    folder: Path,
    left_out: Counter[str],
    progress: Callable[[int, int], None],
) -> Iterator[Stream]:
    """What a generator served in a stretch of time, as the embedder of its newest score sees it.

    The stream is on disk under `folder` while the block lasts. What it leaves out is counted by reason in `left_out`;
    `progress` is told of generations read, and how many there are. Raises SafelightError `generator_not_found`,
    `nothing_to_replay`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with database.reading() as session:
        versions.require_generator(session, where.generator)
        total, digest = history.count(session, where), history.newest_embedder(session, where)
    if digest is None:
        raise SafelightError(
            Kind.CONFLICT,
            "nothing_to_replay",
            f"Nothing that {where.generator} made then has been scored. A running worker scores what is logged.",
        )
    with TemporaryDirectory(dir=folder) as scratch:
        shelf = Shelf(Path(scratch), digest)
        for page in _pages(database, where):
            kept = [(each, _reason(each, digest)) for each in page]
            left_out.update(reason for _, reason in kept if reason is not None)
            shelf.add(_measured(each) for each, reason in kept if reason is None)
            progress(len(page), total)
        recording = shelf.close()
        yield replace(Stream.of(recording, range(len(recording))), picture=lambda each: _thumbnail(images, each))


def _pages(database: Database, where: Stretch) -> Iterator[list[Logged]]:
    last: UUID | None = None
    while True:
        with database.reading() as session:
            page = history.after(session, where, last, _PAGE)
        if not page:
            return
        yield page
        last = page[-1].id


def _reason(logged: Logged, digest: str) -> str | None:
    """Why a generation is no part of the stream; None where it is."""
    if logged.outcome != "served" or logged.arm not in JUDGED_ARMS:
        return NOT_SERVED
    if logged.score is None:
        return NOT_SCORED
    if logged.score.broken_reason is not None:
        return logged.score.broken_reason
    return OTHER_EMBEDDER if logged.score.embedder_digest != digest else None


def _measured(logged: Logged) -> Measured:
    details = Details(
        name=f"generation {logged.id}",
        prompt=logged.prompt,
        parameters=logged.parameters,
        replica=logged.replica,
        adapter=logged.adapter,
        tenant=logged.tenant,
        region=logged.region,
    )
    blank = Measured(logged.id, logged.created_at, logged.version, details, thumbnail=b"")
    # A lens reads all of the signals or nothing, and so it is with live traffic.
    seen = None if logged.score is None else row(ScoredGeneration(logged.score, logged.prompt, logged.parameters), None)
    return blank if seen is None else replace(blank, scalars=seen.scalars, prompt=seen.prompt, image=seen.image)


def _thumbnail(images: ImageStore, identifier: UUID) -> bytes:
    """Empty where it was let go."""
    try:
        return images.read(thumbnail_key(identifier))
    except FileNotFoundError:
        return b""
