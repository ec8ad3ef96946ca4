"""Scoring stored images anew after a change of embedder: what was asked for, and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables.monitoring import BackfillRow

_NOT_BEGUN = ""


class BackfillState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """Images made in [data_from, data_to) are scored anew, the newest first; `cursor` is the last that was looked at.

    `embedder_digest` is None until a worker has begun: the embedder is the worker's. Of `total` images that another
    embedder had scored, `done` are scored anew and `missing` are not in the image store any more.
    """

    id: UUID
    generator: str
    embedder_digest: str | None
    data_from: datetime
    data_to: datetime
    state: BackfillState
    total: int
    done: int
    missing: int
    cursor: UUID | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None

    @property
    def progress(self) -> float:
        """The share that was looked at, 0 to 1."""
        if self.state is BackfillState.DONE:
            return 1.0
        return min(1.0, (self.done + self.missing) / self.total) if self.total else 0.0


def add(session: Session, *, generator: str, start: datetime, end: datetime, actor: str, now: datetime) -> Backfill:
    row = BackfillRow(
        id=new_id(),
        generator=generator,
        embedder_digest=_NOT_BEGUN,
        data_from=start,
        data_to=end,
        state=BackfillState.RUNNING.value,
        total=0,
        created_at=now,
        created_by=actor,
    )
    session.add(row)
    session.flush()
    return _backfill(row)


def get(session: Session, backfill_id: UUID) -> Backfill:
    """Raises `backfill_not_found`."""
    return _backfill(_row(session, backfill_id))


def page(session: Session, generator: str, before: UUID | None, limit: int) -> list[Backfill]:
    """The newest first."""
    query = select(BackfillRow).where(BackfillRow.generator == generator).order_by(BackfillRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(BackfillRow.id < before)
    return [_backfill(row) for row in session.scalars(query)]


def progress(session: Session, generator: str, embedder_digest: str) -> float | None:
    """How far the newest backfill to an embedder has come, 0 to 1; None where there is none."""
    query = select(BackfillRow).where(
        BackfillRow.generator == generator,
        BackfillRow.embedder_digest.in_((embedder_digest, _NOT_BEGUN)),
        BackfillRow.state != BackfillState.CANCELLED.value,
    )
    row = session.scalar(query.order_by(BackfillRow.id.desc()).limit(1))
    return _backfill(row).progress if row else None


def claim(session: Session, embedder_digest: str) -> Backfill | None:
    """The oldest to begin or to go on with. PostgreSQL keeps it from other workers until the transaction ends."""
    query = select(BackfillRow).where(
        BackfillRow.state == BackfillState.RUNNING.value,
        BackfillRow.embedder_digest.in_((embedder_digest, _NOT_BEGUN)),
    )
    row = session.scalar(query.order_by(BackfillRow.id).limit(1).with_for_update(skip_locked=True))
    return _backfill(row) if row else None


def begin(session: Session, backfill_id: UUID, embedder_digest: str, total: int) -> Backfill:
    """From now on it is a worker's embedder that it scores with."""
    row = _row(session, backfill_id)
    row.embedder_digest, row.total = embedder_digest, total
    session.flush()
    return _backfill(row)


def advance(session: Session, backfill_id: UUID, cursor: UUID, done: int, missing: int) -> None:
    row = _row(session, backfill_id)
    row.cursor, row.done, row.missing = cursor, row.done + done, row.missing + missing
    session.flush()


def finish(session: Session, backfill_id: UUID, state: BackfillState, now: datetime) -> Backfill:
    """Raises `backfill_not_found` and, for one that has ended, `backfill_finished`."""
    row = _row(session, backfill_id)
    if row.state != BackfillState.RUNNING.value:
        raise SafelightError(Kind.CONFLICT, "backfill_finished", f"This backfill has ended: it is {row.state}.")
    row.state, row.finished_at = state.value, now
    session.flush()
    return _backfill(row)


def _row(session: Session, backfill_id: UUID) -> BackfillRow:
    row = session.get(BackfillRow, backfill_id)
    if row is None:
        raise not_found("backfill", backfill_id)
    return row


def _backfill(row: BackfillRow) -> Backfill:
    return Backfill(
        id=row.id,
        generator=row.generator,
        embedder_digest=row.embedder_digest or None,
        data_from=row.data_from,
        data_to=row.data_to,
        state=BackfillState(row.state),
        total=row.total,
        done=row.done,
        missing=row.missing,
        cursor=row.cursor,
        created_at=row.created_at,
        created_by=row.created_by,
        finished_at=row.finished_at,
    )
