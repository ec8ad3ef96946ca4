"""Generators' own runbooks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from safelight.store.tables.incidents import RunbookRow


@dataclass(frozen=True)
class OwnRunbook:
    """Markdown, by somebody."""

    text: str
    updated_at: datetime
    updated_by: str


def find(session: Session, generator: str, monitor: str) -> OwnRunbook | None:
    row = session.get(RunbookRow, (generator, monitor))
    return OwnRunbook(row.text, row.updated_at, row.updated_by) if row else None


def put(session: Session, generator: str, monitor: str, text: str, actor: str, now: datetime) -> None:
    row = RunbookRow(generator=generator, monitor=monitor, text=text, updated_at=now, updated_by=actor)
    session.merge(row)
    session.flush()


def remove(session: Session, generator: str, monitor: str) -> bool:
    """Whether there was one."""
    gone = delete(RunbookRow).where(RunbookRow.generator == generator, RunbookRow.monitor == monitor)
    return session.execute(gone.returning(RunbookRow.monitor)).first() is not None
