"""Monitors, their verdicts, and the series that charts are drawn from."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from safelight.api.auth import Operator, Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.monitors import MonitorChange, MonitorInfo, Series, VerdictInfo
from safelight.api.schemas.page import Items, Limit, Page
from safelight.api.series import read_series
from safelight.errors import Kind, SafelightError
from safelight.store import access, monitors, verdicts, versions
from safelight.store.monitors import StoredMonitor
from safelight.store.verdicts import StoredVerdict
from safelight.watching.monitors import parse

router = APIRouter(prefix="/api/v1", tags=["monitors"])

_LONGEST_RANGE = timedelta(days=31)


@router.get("/monitors")
def list_monitors(generator: str, platform: PlatformDep, _reader: Reader) -> Items[MonitorInfo]:
    """What is asked of a generator, and the newest answers."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        latest = {stored.monitor: stored for stored in verdicts.latest(session, generator)}
        found = monitors.all_of(session, generator)
    return Items(items=[_info(monitor, latest.get(monitor.name)) for monitor in found])


@router.patch("/monitors/{generator}/{name}")
def change_monitor(
    generator: str, name: str, change: MonitorChange, platform: PlatformDep, operator: Operator
) -> MonitorInfo:
    """Switch a monitor on or off; the others share its part of the false-alarm budget."""
    with platform.database.transaction() as session:
        monitor = monitors.switch(session, generator, name, enabled=change.enabled)
        state = "enable" if change.enabled else "disable"
        access.record_audit(session, platform.clock.now(), operator.name, f"monitor.{state}", f"{generator} {name}")
    return _info(monitor, None)


@router.get("/monitors/{generator}/{name}/verdicts")
def list_verdicts(
    generator: str, name: str, platform: PlatformDep, _reader: Reader, before: int | None = None, limit: Limit = 100
) -> Page[VerdictInfo]:
    """What a monitor answered, tick by tick; the newest first."""
    with platform.database.reading() as session:
        found = verdicts.page(session, generator, monitor=name, before=before, limit=limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[VerdictInfo.of(stored) for stored in found], next=last)


@router.get("/series")
def series(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    start: Annotated[datetime | None, Query(alias="from", description="With its time zone")] = None,
    end: Annotated[datetime | None, Query(alias="to", description="With its time zone")] = None,
) -> Series:
    """Traffic and signals of a range of time (left out: the last hour), in at most a few hundred points a version."""
    end = end or platform.clock.now()
    start = start or end - timedelta(hours=1)
    if start.tzinfo is None or end.tzinfo is None or not start < end <= start + _LONGEST_RANGE:
        raise SafelightError(
            Kind.INVALID,
            "range_invalid",
            f"'from' lies before 'to', both with a time zone, at most {_LONGEST_RANGE.days} days apart.",
        )
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return read_series(session, generator, start, end, platform.settings.watching.bucket_seconds)


def _info(monitor: StoredMonitor, latest: StoredVerdict | None) -> MonitorInfo:
    document = parse(monitor.document)
    return MonitorInfo(
        name=monitor.name,
        kind=monitor.kind,
        question=(type(document).__doc__ or "").strip(),
        enabled=monitor.enabled,
        critical=document.critical,
        document=monitor.document,
        latest=VerdictInfo.of(latest) if latest else None,
    )
