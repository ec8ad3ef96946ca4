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


class BackfillState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """Images made in [data_from, data_to) are scored by an embedder, the newest first; `cursor` is the last looked at.

    Of `total` that another embedder had scored, `done` are scored anew and `missing` have no image any more.
    """

    id: UUID
    generator: str
    embedder_digest: str
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
        return 1.0 if self.total == 0 else min(1.0, (self.done + self.missing) / self.total)


def add(
    session: Session,
    *,
    generator: str,
    embedder_digest: str,
    start: datetime,
    end: datetime,
    total: int,
    actor: str,
    now: datetime,
) -> Backfill:
    row = BackfillRow(
        id=new_id(),
        generator=generator,
        embedder_digest=embedder_digest,
        data_from=start,
        data_to=end,
        state=BackfillState.RUNNING.value,
        total=total,
        created_at=now,
        created_by=actor,
    )
    session.add(row)
    session.flush()
    return _backfill(row)


def get(session: Session, backfill_id: UUID) -> Backfill:
    """Raises `backfill_not_found`."""
    return _backfill(_row(session, backfill_id))


def of_generator(session: Session, generator: str, limit: int) -> list[Backfill]:
    """The newest first."""
    query = select(BackfillRow).where(BackfillRow.generator == generator).order_by(BackfillRow.id.desc()).limit(limit)
    return [_backfill(row) for row in session.scalars(query)]


def progress(session: Session, generator: str, embedder_digest: str) -> float | None:
    """How far the newest backfill to an embedder has come, 0 to 1; None where there is none."""
    query = select(BackfillRow).where(
        BackfillRow.generator == generator,
        BackfillRow.embedder_digest == embedder_digest,
        BackfillRow.state != BackfillState.CANCELLED.value,
    )
    row = session.scalar(query.order_by(BackfillRow.id.desc()).limit(1))
    return _backfill(row).progress if row else None


def claim(session: Session, embedder_digest: str) -> Backfill | None:
    """The oldest that runs, to go on with. PostgreSQL keeps it from other workers until the transaction ends."""
    query = select(BackfillRow).where(
        BackfillRow.state == BackfillState.RUNNING.value, BackfillRow.embedder_digest == embedder_digest
    )
    row = session.scalar(query.order_by(BackfillRow.id).limit(1).with_for_update(skip_locked=True))
    return _backfill(row) if row else None


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
        embedder_digest=row.embedder_digest,
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
