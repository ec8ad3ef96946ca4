"""The guard's stop switch, and how often it may act."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.ids import new_id
from safelight.store.incidents import PolicyMode
from safelight.store.tables.guard import GuardStopRow
from safelight.store.tables.incidents import Policy

_KEY = "stop"


@dataclass(frozen=True)
class Stop:
    """A time in which nothing is done automatically, for any generator."""

    id: UUID
    stopped_at: datetime
    stopped_by: str
    reason: str
    resumed_at: datetime | None
    resumed_by: str | None


def stopped(session: Session) -> Stop | None:
    """The stop that lasts; None while the guard may act."""
    row = session.scalar(select(GuardStopRow).where(GuardStopRow.open_key == _KEY))
    return _stop(row) if row else None


def stop(session: Session, actor: str, reason: str, now: datetime) -> Stop:
    """A second one beside it violates `open_key`'s uniqueness."""
    row = GuardStopRow(id=new_id(), open_key=_KEY, stopped_at=now, stopped_by=actor, reason=reason)
    session.add(row)
    session.flush()
    return _stop(row)


def resume(session: Session, actor: str, now: datetime) -> Stop | None:
    """End the stop that lasts; None where there is none."""
    row = session.scalar(select(GuardStopRow).where(GuardStopRow.open_key == _KEY))
    if row is None:
        return None
    row.open_key, row.resumed_at, row.resumed_by = None, now, actor
    session.flush()
    return _stop(row)


def stopped_at(session: Session, moment: datetime) -> bool:
    """Whether a stop lasted at a moment of the past."""
    query = select(GuardStopRow.id).where(
        GuardStopRow.stopped_at <= moment, (GuardStopRow.resumed_at.is_(None)) | (GuardStopRow.resumed_at > moment)
    )
    return session.scalar(query.limit(1)) is not None


def most_per_hour(session: Session, generator: str) -> int | None:
    """How many automatic rollbacks are allowed within an hour; None where nobody has said."""
    row = session.get(Policy, generator)
    return row.most_per_hour if row else None


def set_most_per_hour(session: Session, generator: str, most: int, actor: str, now: datetime) -> None:
    row = session.get(Policy, generator)
    if row is None:
        row = Policy(generator=generator, mode=PolicyMode.RECOMMEND.value, updated_at=now, updated_by=actor)
        session.add(row)
    row.most_per_hour, row.updated_at, row.updated_by = most, now, actor
    session.flush()


def _stop(row: GuardStopRow) -> Stop:
    return Stop(row.id, row.stopped_at, row.stopped_by, row.reason, row.resumed_at, row.resumed_by)
