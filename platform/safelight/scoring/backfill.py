"""After a change of embedder: stored images are scored anew, in the background, each folded once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.scoring.examining import Examiner
from safelight.scoring.fold import Scored, judged
from safelight.scoring.folding import Folder
from safelight.scoring.measuring import BrokenReason
from safelight.store import access, backfills, scores, versions
from safelight.store.backfills import Backfill, BackfillState
from safelight.store.database import Database, Session
from safelight.store.scores import Foreign, Waiting

BATCH = 8
"""Few: whoever cancels waits for one batch, and so does a new image."""
_PATIENCE = timedelta(seconds=5)
"""New images go first: while one has waited for longer, the backfill makes no move."""


def order(session: Session, *, generator: str, start: datetime, end: datetime, actor: str, now: datetime) -> Backfill:
    """Ask for the images of a range of time to be scored anew by the workers' embedder, wherever another scored them.

    Raises SafelightError: `generator_not_found`, `range_invalid`.
    """
    versions.require_generator(session, generator)
    if not start < end:
        raise SafelightError(Kind.INVALID, "range_invalid", "The range ends before it begins. Swap its ends.")
    asked = backfills.add(session, generator=generator, start=start, end=min(end, now), actor=actor, now=now)
    access.record_audit(session, now, actor, "backfill.create", generator, f"{start.isoformat()} to {end.isoformat()}")
    return asked


def cancel(session: Session, backfill_id: UUID, actor: str, now: datetime) -> Backfill:
    """Raises SafelightError: `backfill_not_found`, `backfill_finished`."""
    cancelled = backfills.finish(session, backfill_id, BackfillState.CANCELLED, now)
    access.record_audit(session, now, actor, "backfill.cancel", cancelled.generator, str(backfill_id))
    return cancelled


class Backfiller:
    """Takes the images batch by batch, the newest first, and says after each how far it has come.

    A generation's score is put in the place of another embedder's, its sums are folded and the cursor moves on in one
    transaction: whoever stops in between leaves a batch that is done, or one that is to be done.
    """

    def __init__(self, database: Database, examiner: Examiner, folder: Folder, clock: Clock) -> None:
        self._database = database
        self._examiner = examiner
        self._folder = folder
        self._clock = clock

    def run_once(self) -> int:
        """Score one batch anew; returns how many images it looked at. Raises OSError while the image store is away."""
        if self._database.is_sqlite:
            # SQLite has one writer: measuring must not keep everybody else from writing.
            with self._database.reading() as session:
                asked, tasks = self._next(session)
            if asked is None:
                return 0
            measured = self._examiner.examine(tasks)
            with self._database.transaction() as session:
                return self._keep(session, asked, tasks, measured)
        with self._database.transaction() as session:
            asked, tasks = self._next(session)
            return 0 if asked is None else self._keep(session, asked, tasks, self._examiner.examine(tasks))

    def _next(self, session: Session) -> tuple[Backfill | None, Sequence[Waiting]]:
        oldest = scores.oldest_of_all(session)
        if oldest is not None and self._clock.now() - oldest > _PATIENCE:
            return None, ()
        asked = backfills.claim(session, self._examiner.embedder_digest)
        if asked is None or asked.embedder_digest is None:
            return asked, ()
        return asked, scores.scored_by_others(session, self._foreign(asked), BATCH)

    def _keep(self, session: Session, asked: Backfill, tasks: Sequence[Waiting], measured: Sequence[Scored]) -> int:
        if backfills.get(session, asked.id) != asked:
            return len(tasks)  # it was cancelled, or another worker was quicker: this batch is nobody's
        if asked.embedder_digest is None:
            total = scores.count_scored_by_others(session, self._foreign(asked))
            backfills.begin(session, asked.id, self._examiner.embedder_digest, total)
            return 1
        if not tasks:
            backfills.finish(session, asked.id, BackfillState.DONE, self._clock.now())
            return 1
        # An image that was let go since says nothing against the generator: its old score stands.
        there = [each for each in measured if each[1].broken_reason != BrokenReason.MISSING]
        replaced = scores.replace_foreign(session, [score for _, score in there])
        self._folder.fold(
            session, judged((made, replaced[made.generation_id]) for made, _ in there if made.generation_id in replaced)
        )
        cursor = min(task.generation_id for task in tasks)
        backfills.advance(session, asked.id, cursor, len(replaced), len(tasks) - len(there))
        return len(tasks)

    def _foreign(self, asked: Backfill) -> Foreign:
        return Foreign(asked.generator, self._examiner.embedder_digest, asked.data_from, asked.data_to, asked.cursor)
