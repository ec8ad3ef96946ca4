"""The scorer: takes logged images from the queue, measures them, and folds each exactly once."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.lens import Lens
from safelight.clock import Clock
from safelight.scoring.duplicates import RecentImages
from safelight.scoring.embedder import Embedder
from safelight.scoring.fold import Scored, View, fold_signals, fold_sketches, judged, merge
from safelight.scoring.measuring import BrokenReason, Measurement, decode, measure
from safelight.store import baselines, ledger, scores, sketches
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Database, Session
from safelight.store.scores import GenerationScore, Waiting
from safelight.watching.lenses import LensCache, LensUnreadable
from safelight.watching.references import references
from safelight.watching.situation import defaults_of

_log = logging.getLogger(__name__)
_RECENT_IMAGES = 256
"""How far back a near-duplicate is looked for: a collapsed generator repeats itself at once."""


class ImageReader(Protocol):
    """Reads stored images."""

    def read(self, key: str) -> bytes:
        """The encoded image. Raises FileNotFoundError where there is none, another OSError where the store is away."""
        ...


class Scorer:
    """One of any number of workers. What is measured twice is still folded once: only who removes a task folds it."""

    def __init__(
        self,
        database: Database,
        images: ImageReader,
        embedder: Embedder,
        lenses: LensCache,
        clock: Clock,
        *,
        batch: int,
        bucket_seconds: int,
    ) -> None:
        self._database = database
        self._images = images
        self._embedder = embedder
        self._lenses = lenses
        self._clock = clock
        self._batch = batch
        self._bucket_seconds = bucket_seconds

    def run_once(self) -> int:
        """Score one batch; returns how many tasks it finished. Raises OSError while the image store is away."""
        if self._database.is_sqlite:
            # SQLite has one writer: measuring must not keep everybody else from writing.
            with self._database.reading() as session:
                tasks = scores.waiting(session, self._batch)
            measured = self._measure(tasks)
            with self._database.transaction() as session:
                return self._keep(session, measured)
        # PostgreSQL holds the batch's rows meanwhile, so that other workers take the next ones.
        with self._database.transaction() as session:
            return self._keep(session, self._measure(scores.waiting(session, self._batch)))

    def _measure(self, tasks: Sequence[Waiting]) -> list[Scored]:
        loaded = [(task, self._load(task)) for task in tasks]
        readable = [(task, image) for task, image in loaded if not isinstance(image, BrokenReason)]
        found = measure(self._embedder, [task.prompt for task, _ in readable], [image for _, image in readable])
        scored = [(task, self._score(task, each)) for (task, _), each in zip(readable, found, strict=True)]
        broken = [(task, self._broken(task, why)) for task, why in loaded if isinstance(why, BrokenReason)]
        return sorted(scored + broken, key=lambda each: each[0].generation_id)

    def _load(self, task: Waiting) -> NDArray[np.uint8] | BrokenReason:
        if task.image_key is None:
            return BrokenReason.MISSING
        try:
            return decode(self._images.read(task.image_key))
        except FileNotFoundError:
            return BrokenReason.MISSING
        except ValueError:
            return BrokenReason.UNDECODABLE

    def _score(self, task: Waiting, found: Measurement) -> GenerationScore:
        return GenerationScore(
            generation_id=task.generation_id,
            generator=task.generator,
            version=task.version,
            scored_at=self._clock.now(),
            embedder_digest=self._embedder.digest,
            alignment=found.alignment,
            sharpness=found.signals.sharpness,
            contrast=found.signals.contrast,
            brightness=found.signals.brightness,
            blank=found.signals.broken,
            perceptual_hash=found.hash,
            prompt_truncated=found.prompt_truncated,
            image_embedding=found.image,
            prompt_embedding=found.prompt,
        )

    def _broken(self, task: Waiting, why: BrokenReason) -> GenerationScore:
        _log.warning("generation %s cannot be scored: %s", task.generation_id, why)
        return GenerationScore(
            generation_id=task.generation_id,
            generator=task.generator,
            version=task.version,
            scored_at=self._clock.now(),
            embedder_digest=self._embedder.digest,
            broken_reason=why.value,
        )

    def _keep(self, session: Session, measured: Sequence[Scored]) -> int:
        """Remove the tasks and fold what was measured, in one transaction: both happen, or neither."""
        mine = scores.take(session, [task.generation_id for task, _ in measured])
        kept = self._mark_duplicates(session, [each for each in measured if each[0].generation_id in mine])
        scores.add(session, [score for _, score in kept])
        counted = judged(kept)
        for signal_key, sums in sorted(fold_signals(counted, self._bucket_seconds).items()):
            sketches.add_signals(session, signal_key, sums)
        for key, sketch in sorted(fold_sketches(counted, self._views(session, counted), self._bucket_seconds).items()):
            sketches.fold_sketch(session, key, sketch.n, sketch.to_bytes(), merge)
        return len(kept)

    def _mark_duplicates(self, session: Session, scored: Sequence[Scored]) -> list[Scored]:
        recent = {
            key: RecentImages(scores.recent_hashes(session, *key, limit=_RECENT_IMAGES))
            for key in {(task.generator, task.version) for task, _ in scored}
        }
        return [(task, _marked(recent[task.generator, task.version], score, task.prompt)) for task, score in scored]

    def _views(self, session: Session, scored: Sequence[Scored]) -> dict[tuple[str, int], View]:
        views = {}
        for generator, number in {(task.generator, task.version) for task, _ in scored}:
            chain, known = ledger.chain(session, generator), baselines.of_generator(session, generator)
            relevant = references(number, chain, known, self._embedder.digest).all
            lenses = list(self._readable(session, relevant))
            views[generator, number] = View(defaults_of(session, generator, number), lenses)
        return views

    def _readable(self, session: Session, relevant: Iterable[KnownBaseline]) -> Iterator[tuple[UUID, Lens]]:
        """A baseline of another release must not stop the queue: its monitor says that it has nothing to go by."""
        for baseline in relevant:
            with suppress(LensUnreadable):
                yield baseline.id, self._lenses.get(session, baseline)


def _marked(recent: RecentImages, score: GenerationScore, prompt: str) -> GenerationScore:
    if score.perceptual_hash is None or score.blank:
        return score
    return replace(score, near_duplicate_of=recent.duplicate_of(score.generation_id, prompt, score.perceptual_hash))
