"""How full the journals of all processes are, as each last told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from safelight.store.tables.journals import JournalRow

ALARMING_FILL = 0.5
"""Half of the journal is left: at a steady rate, as much time as it took to get here."""


@dataclass(frozen=True)
class JournalReport:
    """What waited in one process's journal at a moment. `fill` is from 0 to 1, 1 taking nothing more."""

    name: str
    entries: int
    refused: int
    fill: float
    oldest_at: datetime | None
    reported_at: datetime


def report(session: Session, told: JournalReport) -> None:
    """Replaces what was told of the journal before."""
    session.merge(JournalRow(**vars(told)))


def reported(session: Session, start: datetime, end: datetime) -> list[JournalReport]:
    """The journals that were last heard of in [start, end), by name."""
    query = select(JournalRow).where(JournalRow.reported_at >= start, JournalRow.reported_at < end)
    return [_report(row) for row in session.scalars(query.order_by(JournalRow.name))]


def forget(session: Session, before: datetime) -> None:
    """Journals without a process, as far as nothing waits in them."""
    session.execute(delete(JournalRow).where(JournalRow.reported_at < before, JournalRow.entries == 0))


def _report(row: JournalRow) -> JournalReport:
    return JournalReport(row.name, row.entries, row.refused, row.fill, row.oldest_at, row.reported_at)
