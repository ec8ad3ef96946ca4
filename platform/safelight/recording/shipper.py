"""Moves generations from the journal to the image store and the database: at least once, counted once."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from threading import Event
from typing import Any

from pydantic import ValidationError

from safelight.clock import Clock
from safelight.errors import SafelightError
from safelight.recording.forgotten import Belonging, forgotten
from safelight.recording.generation import Generation
from safelight.recording.images import ImageStore, image_key, thumbnail_key
from safelight.recording.losses import Losses
from safelight.recording.pixels import decode, thumbnail
from safelight.recording.tally import tally
from safelight.store import fetches, generations, told, traffic
from safelight.store.database import Database
from safelight.store.fetches import IMAGE_URI
from safelight.store.generations import RowRefused
from safelight.store.journal import Entry, JournalFile
from safelight.store.told import Told

logger = logging.getLogger(__name__)

# Rows alone are small: a batch of them costs two commits, whatever its size. It also keeps SQLite's one writer waiting
# for as long as it takes, which is some 20 ms.
_BATCH = 512
_BATCH_BYTES = 24 * 1024 * 1024
_KEPT_ELSEWHERE = frozenset({"environment", "seen"})
_UPLOADS_AT_ONCE = 4
_IDLE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class _Shipment:
    generation: Generation
    row: dict[str, Any]


class Shipper:
    """Ships what one host has recorded. Two that ship the same entries do no harm."""

    def __init__(
        self,
        journal: JournalFile,
        losses: Losses,
        images: ImageStore,
        database: Database,
        clock: Clock,
        *,
        bucket_seconds: int,
        thumbnail_pixels: int,
    ) -> None:
        self._journal = journal
        self._losses = losses
        self._images = images
        self._database = database
        self._clock = clock
        self._bucket_seconds = bucket_seconds
        self._thumbnail_pixels = thumbnail_pixels
        self._uploads = ThreadPoolExecutor(_UPLOADS_AT_ONCE, thread_name_prefix="shipper")
        self._held_up = False

    def run(self, stop: Event) -> None:
        """Ships until told to stop; whatever is away is tried again, at growing intervals."""
        pause = _IDLE_SECONDS
        while not stop.is_set():
            shipped = self._try_once()
            if shipped is None:
                stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                pause = _IDLE_SECONDS
                if shipped < _BATCH:
                    stop.wait(_IDLE_SECONDS)  # what is recorded meanwhile goes along: a batch costs the same as a row

    def _try_once(self) -> int | None:
        """What was shipped; None where something is away. An outage's waits are the caller's: an error that is being
        handled holds the whole batch in memory."""
        try:
            shipped = self.run_once()
        except Exception as error:  # noqa: BLE001 - the entries are safe where they are, whatever happened
            if not self._held_up:
                logger.warning("cannot ship generations, will keep trying: %s", _describe(error))
            self._held_up = True
            return None
        if self._held_up:
            logger.info("generations are shipped again")
        self._held_up = False
        return shipped

    def run_once(self) -> int:
        """Ships the oldest batch and returns its size. Raises whatever the image store or the database raises."""
        self._tell_losses()
        batch = self._journal.head(_BATCH, _BATCH_BYTES)
        if batch:
            self._ship(batch)
        return len(batch)

    def close(self) -> None:
        """Lets the journal go; not while `run` runs."""
        self._uploads.shutdown(wait=True)
        self._journal.close()

    def _tell_losses(self) -> None:
        losses = self._losses.take()
        if not losses:
            return
        try:
            with self._database.transaction() as session:
                traffic.add(session, losses)
        except BaseException:
            self._losses.put_back(losses)
            raise

    def _ship(self, batch: Sequence[Entry]) -> None:
        try:
            parsed = [(entry, Generation.model_validate_json(entry.document)) for entry in batch]
            kept = self._wanted(parsed)
            with_images = any(entry.image is not None for entry, _ in kept)
            parts = [kept[start::_UPLOADS_AT_ONCE] for start in range(_UPLOADS_AT_ONCE)] if with_images else [kept]
            self._store(list(chain.from_iterable(self._uploads.map(self._upload, filter(None, parts)))))
        except (RowRefused, ValidationError) as error:
            if len(batch) == 1:
                logger.error("generation %s is set aside, the database refuses it: %s", batch[0].id, _describe(error))
                self._journal.refuse(batch[0].id, _describe(error))
                return
            # One of them holds the others up: let each stand for itself.
            for entry in batch:
                self._ship([entry])
        else:
            self._journal.remove([entry.id for entry in batch])

    def _wanted(self, parsed: Sequence[tuple[Entry, Generation]]) -> list[tuple[Entry, Generation]]:
        """Whoever was to be forgotten since is not brought back by a journal that was away; and what is logged stays as
        it is, image and all, whoever sends something else under its id."""
        with self._database.reading() as session:
            gone = forgotten(session, (Belonging.of(generation) for _, generation in parsed))
            # What has no image overwrites none: its row is passed over when it is inserted.
            pictured = [entry.id for entry, _ in parsed if entry.image is not None]
            logged = generations.known(session, pictured) if pictured else set()
        return [(entry, generation) for entry, generation in parsed if generation.id not in gone | logged]

    def _upload(self, part: Sequence[tuple[Entry, Generation]]) -> list[_Shipment]:
        """Images first: a row never names an image that is not there."""
        objects: dict[str, bytes] = {}
        shipments = [self._prepared(entry, generation, objects) for entry, generation in part]
        self._images.write_all(objects)
        return shipments

    def _prepared(self, entry: Entry, generation: Generation, objects: dict[str, bytes]) -> _Shipment:
        """The row, which names what is added to `objects`."""
        # Not model_dump, which copies the documents inside and costs as much as all the rest.
        row = {name: value for name, value in vars(generation).items() if name not in _KEPT_ELSEWHERE} | {
            "source": generation.source.value,
            "arm": generation.arm.value,
            "outcome": generation.outcome.value,
            "envelope": fetches.shown(generation.envelope),
            "image_key": None,
            "thumbnail_key": None,
            "image_sha256": None,
        }
        if entry.image is not None:
            row["image_key"] = image_key(entry.id)
            row["image_sha256"] = hashlib.sha256(entry.image).hexdigest()
            objects[row["image_key"]] = entry.image
            small = self._thumbnail(entry, entry.image)
            if small is not None:
                row["thumbnail_key"] = thumbnail_key(entry.id)
                objects[row["thumbnail_key"]] = small
        return _Shipment(generation, row)

    def _thumbnail(self, entry: Entry, image: bytes) -> bytes | None:
        try:
            return thumbnail(decode(image), self._thumbnail_pixels)
        except SafelightError as error:
            # A broken image is what somebody was served: it stays on record, and scoring will call it broken.
            logger.warning("generation %s has no thumbnail: %s", entry.id, error.code)
            return None

    def _store(self, shipments: Sequence[_Shipment]) -> None:
        environments = {
            s.generation.environment_digest: s.generation.environment
            for s in shipments
            if s.generation.environment_digest is not None and s.generation.environment is not None
        }
        with self._database.transaction() as session:
            generations.add_environments(session, environments, self._clock.now())
            new = generations.add(session, [s.row for s in shipments])
            # Counted here and nowhere else: with the row, so once, however often its entry is shipped.
            arrived = [s.generation for s in shipments if s.generation.id in new]
            traffic.add(session, tally(arrived, self._bucket_seconds))
            told.add(session, {g.id: Told(g.generator, g.seen) for g in arrived if g.seen is not None})
            uris = {g.id: str(g.envelope[IMAGE_URI]) for g in arrived if IMAGE_URI in g.envelope}
            fetches.order(session, uris, self._clock.now())


def _describe(error: Exception) -> str:
    """The first line of what a driver says: the rest may quote values of the row."""
    return f"{type(error).__name__}: {str(getattr(error, 'orig', error)).partition(chr(10))[0]}"
