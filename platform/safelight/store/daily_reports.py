"""Daily reports: written once, read the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.tables.reports import DailyReportRow
from safelight.store.upsert import insert


@dataclass(frozen=True)
class StoredReport:
    """One day of a generator; `day` is its midnight in UTC."""

    id: UUID
    generator: str
    day: datetime
    version: int
    document: dict[str, Any]
    created_at: datetime


def add(session: Session, generator: str, day: datetime, version: int, document: dict[str, Any], now: datetime) -> bool:
    """Keep a report, unless somebody else was quicker: then this one is dropped, and the answer is False."""
    statement = insert(session, DailyReportRow).values(
        id=new_id(), generator=generator, day=day, version=version, document=document, created_at=now
    )
    return session.scalar(statement.on_conflict_do_nothing().returning(DailyReportRow.id)) is not None


def page(session: Session, generator: str, before: datetime | None = None, limit: int = 30) -> list[StoredReport]:
    """The newest day first, of days before `before`."""
    query = select(DailyReportRow).where(DailyReportRow.generator == generator)
    if before is not None:
        query = query.where(DailyReportRow.day < before)
    return [_stored(row) for row in session.scalars(query.order_by(DailyReportRow.day.desc()).limit(limit))]


def get(session: Session, report_id: UUID) -> StoredReport:
    """Raises `report_not_found`."""
    row = session.get(DailyReportRow, report_id)
    if row is None:
        raise not_found("report", report_id)
    return _stored(row)


def exists(session: Session, generator: str, day: datetime) -> bool:
    query = select(DailyReportRow.id).where(DailyReportRow.generator == generator, DailyReportRow.day == day)
    return session.scalar(query) is not None


def _stored(row: DailyReportRow) -> StoredReport:
    return StoredReport(row.id, row.generator, row.day, row.version, row.document, row.created_at)
