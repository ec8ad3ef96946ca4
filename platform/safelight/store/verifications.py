"""How the version that a rollback put in place was looked at once it served."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.store.tables.guard import VerificationRow


class VerificationState(StrEnum):
    PROBING = "probing"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be told."""


@dataclass(frozen=True)
class Verification:
    release_id: UUID
    run_id: UUID | None
    state: VerificationState
    detail: str
    begun_at: datetime
    ended_at: datetime | None


def find(session: Session, release_id: UUID) -> Verification | None:
    row = session.get(VerificationRow, release_id)
    return _known(row) if row else None


def probing(session: Session) -> list[Verification]:
    """Those that wait for their probes."""
    query = select(VerificationRow).where(VerificationRow.state == VerificationState.PROBING.value)
    return [_known(row) for row in session.scalars(query)]


def begin(session: Session, release_id: UUID, run_id: UUID, now: datetime) -> None:
    """A second one of a release violates the key's uniqueness."""
    session.add(
        VerificationRow(
            release_id=release_id, run_id=run_id, state=VerificationState.PROBING.value, detail="", begun_at=now
        )
    )
    session.flush()


def end(session: Session, release_id: UUID, state: VerificationState, detail: str, now: datetime) -> None:
    """Also of one that was never begun, because there was nothing to probe with."""
    row = session.get(VerificationRow, release_id)
    if row is None:
        row = VerificationRow(release_id=release_id, run_id=None, begun_at=now)
        session.add(row)
    row.state, row.detail, row.ended_at = state.value, detail, now
    session.flush()


def _known(row: VerificationRow) -> Verification:
    return Verification(
        row.release_id, row.run_id, VerificationState(row.state), row.detail, row.begun_at, row.ended_at
    )
