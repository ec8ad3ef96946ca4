"""Reports for people."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from safelight.api.auth import Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.page import Limit, Page
from safelight.clock import bucket_start
from safelight.comparing.documents import DailyReport
from safelight.store import daily_reports, versions
from safelight.store.daily_reports import StoredReport

router = APIRouter(prefix="/api/v1/reports/daily", tags=["reports"])

_DAY_SECONDS = 86_400


class StoredDailyReport(BaseModel):
    """A report of one day (UTC), and when it was made."""

    id: UUID
    day: date
    created_at: datetime
    report: DailyReport


@router.get("")
def list_daily_reports(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    before: Annotated[AwareDatetime | None, Query(description="`next` of the page before")] = None,
    limit: Limit = 30,
) -> Page[StoredDailyReport]:
    """A generator's days, the newest first. They inform about drift too slow for any monitor; they never alarm."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = daily_reports.page(session, generator, before, limit)
    last = found[-1].day.isoformat() if len(found) == limit else None
    return Page(items=[_document(each) for each in found], next=last)


@router.get("/{report_id}")
def get_daily_report(report_id: UUID, platform: PlatformDep, _reader: Reader) -> StoredDailyReport:
    with platform.database.reading() as session:
        return _document(daily_reports.get(session, report_id))


def _document(stored: StoredReport) -> StoredDailyReport:
    return StoredDailyReport(
        id=stored.id,
        day=bucket_start(stored.day, _DAY_SECONDS).date(),
        created_at=stored.created_at,
        report=DailyReport.model_validate(stored.document),
    )
