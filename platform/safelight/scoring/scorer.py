"""The scorer: takes logged images from the queue, measures them, and folds each exactly once."""

from collections.abc import Sequence
from dataclasses import replace

from safelight.scoring.duplicates import RecentImages
from safelight.scoring.examining import Examiner
from safelight.scoring.fold import Scored, judged
from safelight.scoring.folding import Folder
from safelight.store import scores, told
from safelight.store.database import Database, Session
from safelight.store.scores import GenerationScore
from safelight.telemetry import meters

_RECENT_IMAGES = 256
"""How far back a near-duplicate is looked for: a collapsed generator repeats itself at once."""


class Scorer:
    """One of any number of workers. What is measured twice is still folded once: only who removes a task folds it."""

    def __init__(
        self,
        database: Database,
        examiner: Examiner,
        folder: Folder,
        *,
        batch: int,
    ) -> None:
        self._database = database
        self._examiner = examiner
        self._folder = folder
        self._batch = batch

    def run_once(self) -> int:
        """Score one batch; returns how many tasks it finished. Raises OSError while the image store is away."""
        if self._database.is_sqlite:
            # SQLite has one writer: measuring must not keep everybody else from writing.
            with self._database.reading() as session:
                tasks = scores.waiting(session, self._batch)
            measured = self._examiner.examine(tasks)
            with self._database.transaction() as session:
                return self._keep(session, measured)
        # PostgreSQL holds the batch's rows meanwhile, so that other workers take the next ones.
        with self._database.transaction() as session:
            return self._keep(session, self._examiner.examine(scores.waiting(session, self._batch)))

    def _keep(self, session: Session, measured: Sequence[Scored]) -> int:
        """Remove the tasks and fold what was measured, in one transaction: both happen, or neither."""
        mine = scores.take(session, [task.generation_id for task, _ in measured])
        kept = self._mark_duplicates(session, [each for each in measured if each[0].generation_id in mine])
        told.forget(session, mine)
        scores.add(session, [score for _, score in kept])
        # What a source saw with an embedder that was replaced meanwhile is of another space: it is kept, not counted.
        ours = self._examiner.embedder_digest
        self._folder.fold(session, [each for each in judged(kept) if each[1].embedder_digest == ours])
        for _, score in kept:
            meters.SCORED.labels("broken" if score.broken else "blank" if score.blank else "scored").inc()
        return len(kept)

    def _mark_duplicates(self, session: Session, scored: Sequence[Scored]) -> list[Scored]:
        recent = {
            key: RecentImages(scores.recent_hashes(session, *key, limit=_RECENT_IMAGES))
            for key in {(task.generator, task.version) for task, _ in scored}
        }
        return [(task, _marked(recent[task.generator, task.version], score, task.prompt)) for task, score in scored]


def _marked(recent: RecentImages, score: GenerationScore, prompt: str) -> GenerationScore:
    if score.perceptual_hash is None or score.blank:
        return score
    return replace(score, near_duplicate_of=recent.duplicate_of(score.generation_id, prompt, score.perceptual_hash))
