"""Recording what was made elsewhere, on the way that every generation takes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from PIL import Image

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError, not_found
from safelight.importing.reading import Loaded, Rejects
from safelight.importing.rows import ImportedRow
from safelight.recording.generation import Generation, Outcome, Source
from safelight.recording.ingest import check_embedder, check_seen
from safelight.recording.pixels import as_png, decode
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.scoring.seen import Seen, embedded
from safelight.settings import OnFull
from safelight.store import embedders, generations, versions
from safelight.store.database import Database
from safelight.store.embedders import KnownEmbedder


@dataclass(frozen=True)
class Imported:
    """What became of the rows: `known` were there before, or twice in the table."""

    added: int
    known: int
    rejected: int


class Importer:
    """Records rows batch by batch, and goes on to the next when the last has arrived in the database."""

    def __init__(self, database: Database, recorder: Recorder, shipper: Shipper, clock: Clock) -> None:
        """The recorder's journal is nobody else's: an import never fills the one that live traffic needs."""
        self._database = database
        self._recorder = recorder
        self._shipper = shipper
        self._clock = clock
        self._digests: dict[tuple[str, int], str | None] = {}

    def version(self, generator: str, wanted: int | None) -> int:
        """The version of rows that name none: the one wanted, or the newest.

        Raises SafelightError `generator_not_found`, `version_not_found` or `version_missing`.
        """
        with self._database.reading() as session:
            versions.require_generator(session, generator)
            if wanted is not None:
                return versions.require_version(session, generator, wanted).number
            registered = versions.versions(session, generator)
        if not registered:
            raise SafelightError(
                Kind.CONFLICT, "version_missing", f"{generator} has no version. Register the one that made these first."
            )
        return registered[0].number

    def embedder(self, named: str) -> KnownEmbedder:
        """What the workers look at images with, which has to be the one named: what two embedders saw is never mixed.

        Raises SafelightError `embedder_unknown`, `embedder_differs`.
        """
        return check_embedder(named, self._in_use())

    async def run(
        self,
        batches: Iterable[list[Loaded]],
        rejects: Rejects,
        progress: Callable[[int], None],
        embedder: KnownEmbedder | None = None,
    ) -> Imported:
        """`progress` is told how many rows each batch was made of. `embedder` made the embeddings that rows bring;
        without one, these are left where they are.

        Raises what the image store or the database raises: run it again then, and what has arrived is passed over.
        """
        counts: Counter[str] = Counter()
        left_out = 0
        while self._shipper.run_once():
            pass  # what an import that was cut off left in the journal
        for batch in batches:
            known, before = self._known(batch), rejects.total
            added = await self._record([each for each in batch if each.row.id not in known], rejects, embedder)
            while await asyncio.to_thread(self._shipper.run_once):
                pass
            counts.update(added=added, known=len(batch) - added - (rejects.total - before))
            progress(len(batch) + before - left_out)
            left_out = before
        return Imported(counts["added"], counts["known"], rejects.total)

    def _known(self, batch: Sequence[Loaded]) -> set[UUID]:
        with self._database.reading() as session:
            return generations.known(session, [each.row.id for each in batch])

    async def _record(self, batch: Sequence[Loaded], rejects: Rejects, embedder: KnownEmbedder | None) -> int:
        prepared = []
        for each in batch:
            try:
                prepared.append(await asyncio.to_thread(self._prepare, each, embedder))
            except SafelightError as error:
                rejects.add(each.row.line, error)
        unique = {generation.id: (generation, png) for generation, png in prepared}
        await asyncio.gather(*(self._recorder.record(g, png, on_full=OnFull.REFUSE) for g, png in unique.values()))
        return len(unique)

    def _prepare(self, each: Loaded, embedder: KnownEmbedder | None) -> tuple[Generation, bytes | None]:
        account = each.row.account
        if account.outcome is Outcome.SERVED and each.content is None and each.row.seen is None:
            raise SafelightError(
                Kind.INVALID, "image_missing", "A served generation needs its image, or what was seen of it."
            )
        digest = self._digest(account.generator, account.version)
        image = None if each.content is None else decode(each.content)
        png = None if image is None or each.content is None else as_png(image, each.content)
        size = None if image is None else image.size
        generation = account.generation(self._clock.now(), digest, None, size, source=Source.IMPORT)
        return generation.model_copy(update={"seen": self._seen(each.row, image, embedder)}), png

    def _seen(
        self, row: ImportedRow, image: Image.Image | None, embedder: KnownEmbedder | None
    ) -> dict[str, Any] | None:
        """What is told of its image; None where nothing is, and the worker looks at it as at any other.

        Raises SafelightError `embedder_unknown`, `embedder_differs`, `embedding_invalid`.
        """
        seen = row.seen or _embedded(row, image, embedder)
        if seen is None:
            return None
        check_seen(seen, embedder or self._in_use())
        return seen.model_dump(mode="json")

    def _in_use(self) -> KnownEmbedder | None:
        with self._database.reading() as session:
            return embedders.in_use(session)

    def _digest(self, generator: str, version: int) -> str:
        key = (generator, version)
        if key not in self._digests:
            with self._database.reading() as session:
                found = versions.find_version(session, generator, version)
            self._digests[key] = found.digest if found else None
        digest = self._digests[key]
        if digest is None:
            raise not_found("version", f"{version} of {generator}")
        return digest


def _embedded(row: ImportedRow, image: Image.Image | None, embedder: KnownEmbedder | None) -> Seen | None:
    """What its two embeddings and the pixels of its image say, where it brings all of them."""
    if embedder is None or image is None or row.image_embedding is None or row.prompt_embedding is None:
        return None
    pixels = np.asarray(image.convert("RGB"))
    return embedded(embedder.digest, row.image_embedding, row.prompt_embedding, pixels)
