"""Holds a generation that was made again against its original."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from monitors.probes import pixel_distance
from monitors.replays import assess
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.probing.tolerance import device_of, tolerance
from safelight.rounds import Turns
from safelight.scoring.examining import ImageReader
from safelight.scoring.measuring import decode
from safelight.store import generation_replays, generations
from safelight.store.database import Database, Session, StoreAway
from safelight.store.generation_replays import KnownReplay
from safelight.store.generations import StoredGeneration

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=2)
"""How long a row and its score are waited for; without a score there is no distance of embeddings."""
GIVEN_UP_AFTER = timedelta(hours=1)
"""Whatever keeps it from being judged: an image store may be away for as long, and nobody waits for ever."""
_NOT_KEPT = SafelightError(
    Kind.CONFLICT,
    "image_not_kept",
    "One of the two images cannot be read: it was deleted meanwhile, or never came to the database.",
)
_UNJUDGED = SafelightError(
    Kind.CONFLICT, "replay_failed", "It was made, and could not be compared. The worker's log has the details."
)


class ReplayJudge:
    """Any number may run: what two of them find is the same."""

    def __init__(self, database: Database, images: ImageReader, embedder_digest: str, clock: Clock) -> None:
        self._database = database
        self._images = images
        self._embedder_digest = embedder_digest
        self._clock = clock
        self._turns = Turns("replay judge", clock)

    def run_once(self) -> int:
        """Judge what is ready; returns how many replays that were. While the image store is away they wait."""
        with self._database.reading() as session:
            made = generation_replays.to_be_judged(session)
        return self._turns.take(made, self._judge_or_give_up, lambda replay: f"replay {replay.id}")

    def _judge_or_give_up(self, replay: KnownReplay) -> bool:
        try:
            return self._judge(replay)
        except StoreAway:
            raise
        except Exception:
            if replay.made_at is None or self._clock.now() - replay.made_at <= GIVEN_UP_AFTER:
                raise
            logger.exception("replay %s is given up", replay.id)
            self._end(replay, _UNJUDGED, self._clock.now())
            return True

    def _judge(self, replay: KnownReplay) -> bool:
        now = self._clock.now()
        patient = replay.made_at is not None and now - replay.made_at <= PATIENCE
        if replay.made_id is None:
            return False
        with self._database.reading() as session:
            original, again = (generations.find(session, each) for each in (replay.generation_id, replay.made_id))
            found = self._hold(session, original, again, patient=patient) if original and again else None
        if found is None and patient:
            return False
        self._end(replay, found or _NOT_KEPT, now)
        return True

    def _hold(
        self, session: Session, original: StoredGeneration, again: StoredGeneration, *, patient: bool
    ) -> dict[str, Any] | None:
        """None where something is missing that may still come."""
        if original.image_key is None or again.image_key is None:
            return None
        seen = generation_replays.embeddings(session, (original.id, again.id), self._embedder_digest)
        if patient and again.id not in seen:
            return None
        devices = device_of(session, original.environment_digest), device_of(session, again.environment_digest)
        usual = tolerance(
            session, original.generator, original.version, devices, self._embedder_digest, self._images.read
        )
        try:
            first, second = (decode(self._images.read(key)) for key in (original.image_key, again.image_key))
        except (FileNotFoundError, ValueError):
            return None
        both = original.id in seen and again.id in seen
        embedding = float(np.linalg.norm(seen[again.id] - seen[original.id])) if both else None
        same = original.bundle_digest == again.bundle_digest
        return asdict(assess(pixel_distance(first, second), embedding, usual, same_version=same)) | {
            "devices": devices,
            "tolerance": usual.to_dict() if usual else None,
        }

    def _end(self, replay: KnownReplay, found: dict[str, Any] | SafelightError, now: datetime) -> None:
        with self._database.transaction() as session:
            if isinstance(found, SafelightError):
                generation_replays.fail(session, replay.id, found, now)
            else:
                generation_replays.judged(session, replay.id, found, now)
