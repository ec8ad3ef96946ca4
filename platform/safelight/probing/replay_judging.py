"""Holds a generation that was made again against its original."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from monitors.probes import pixel_distance
from monitors.replays import assess
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.probing.tolerance import device_of, tolerance
from safelight.scoring.examining import ImageReader
from safelight.scoring.measuring import decode
from safelight.store import generation_replays, generations
from safelight.store.database import Database, Session
from safelight.store.generation_replays import KnownReplay
from safelight.store.generations import StoredGeneration

PATIENCE = timedelta(minutes=2)
"""How long a row and its score are waited for; without a score there is no distance of embeddings."""


class ReplayJudge:
    """Any number may run: what two of them find is the same."""

    def __init__(self, database: Database, images: ImageReader, embedder_digest: str, clock: Clock) -> None:
        self._database = database
        self._images = images
        self._embedder_digest = embedder_digest
        self._clock = clock

    def run_once(self) -> int:
        """Judge what is ready; returns how many replays that were. Raises OSError while the image store is away."""
        with self._database.reading() as session:
            made = generation_replays.to_be_judged(session)
        return sum(self._judge(replay) for replay in made)

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
        self._end(replay, found, now)
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

    def _end(self, replay: KnownReplay, found: dict[str, Any] | None, now: datetime) -> None:
        with self._database.transaction() as session:
            if found is not None:
                generation_replays.judged(session, replay.id, found, now)
                return
            message = "One of the two images cannot be read: it was deleted meanwhile, or never came to the database."
            error = SafelightError(Kind.CONFLICT, "image_not_kept", message)
            generation_replays.fail(session, replay.id, error, now)
