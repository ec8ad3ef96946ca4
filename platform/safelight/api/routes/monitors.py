"""Monitors, their verdicts, and the series that charts are drawn from."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from monitors.verdict import Health
from safelight.api.auth import Admin, Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.monitors import (
    AdHocVerdict,
    AppliedMonitor,
    BudgetInfo,
    DryRunAlarm,
    DryRunInfo,
    DryRunOrder,
    MonitorChange,
    MonitorDefinitions,
    MonitorDocument,
    MonitorInfo,
    Series,
    VerdictInfo,
)
from safelight.api.schemas.page import Items, Limit, Page
from safelight.api.series import read_series
from safelight.errors import Kind, SafelightError
from safelight.scoring.rolling import width_at
from safelight.store import monitors, verdicts, versions
from safelight.store.database import Session
from safelight.store.monitors import StoredMonitor
from safelight.store.verdicts import StoredVerdict
from safelight.watching.applying import Definition, apply, remove, switch
from safelight.watching.dry_run import Rehearsal
from safelight.watching.inquiry import Account, Inquiry
from safelight.watching.monitors import DEFAULT_NAMES, MonitorInvalid, parse

router = APIRouter(prefix="/api/v1", tags=["monitors"], route_class=IdempotentRoute)

_LONGEST_RANGE = timedelta(days=31)


@router.get("/monitors")
def list_monitors(generator: str, platform: PlatformDep, _reader: Reader) -> Items[MonitorInfo]:
    """What is asked of a generator, what each may spend on false alarms, and the newest answers."""
    with platform.database.reading() as session:
        inquiry = _inquiry(session, platform, generator)
        found = monitors.all_of(session, generator)
        latest = {stored.monitor: stored for stored in verdicts.latest(session, generator)}
        accounts = inquiry.accounts(session, platform.clock.now())
    return Items(items=[_info(each, latest.get(each.name), accounts.get(each.name)) for each in found])


@router.post("/monitors/apply")
def apply_monitors(wanted: MonitorDefinitions, platform: PlatformDep, admin: Admin) -> Items[AppliedMonitor]:
    """Create and replace many monitors at once; those not named stay as they are. All of it happens, or nothing."""
    definitions = [Definition(each.generator, each.name, each.document, each.enabled) for each in wanted.monitors]
    with platform.database.transaction() as session:
        applied = apply(session, definitions, admin.name, platform.clock.now())
    return Items(
        items=[
            AppliedMonitor(generator=each.monitor.generator, name=each.monitor.name, change=each.change)
            for each in applied
        ]
    )


@router.get("/monitors/{generator}/{name}")
def get_monitor(generator: str, name: str, platform: PlatformDep, _reader: Reader) -> MonitorInfo:
    with platform.database.reading() as session:
        return _read(session, platform, generator, name)


@router.put("/monitors/{generator}/{name}")
def put_monitor(generator: str, name: str, wanted: MonitorDocument, platform: PlatformDep, admin: Admin) -> MonitorInfo:
    """Create a monitor, or replace its document. The kind stays: another question has another name."""
    with platform.database.transaction() as session:
        definition = Definition(generator, name, wanted.document, wanted.enabled)
        apply(session, [definition], admin.name, platform.clock.now())
        return _read(session, platform, generator, name)


@router.patch("/monitors/{generator}/{name}")
def change_monitor(
    generator: str, name: str, change: MonitorChange, platform: PlatformDep, operator: Operator
) -> MonitorInfo:
    """Switch a monitor on or off; the others share its part of the false-alarm budget."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        switch(session, generator, name, enabled=change.enabled, actor=operator.name, now=now)
        return _read(session, platform, generator, name)


@router.delete("/monitors/{generator}/{name}", status_code=204)
def delete_monitor(generator: str, name: str, platform: PlatformDep, admin: Admin) -> None:
    """Forget a monitor that is no default one. What it answered stays on record."""
    with platform.database.transaction() as session:
        remove(session, generator, name, admin.name, platform.clock.now())


@router.post("/monitors/{generator}/{name}/run")
def run_monitor(generator: str, name: str, platform: PlatformDep, _operator: Operator) -> AdHocVerdict:
    """Ask a monitor now, enabled or not. The answer is for you alone: what it finds is acted on at the next tick."""
    now = platform.clock.now()
    with platform.database.reading() as session:
        answer = _inquiry(session, platform, generator).run(session, name, now)
    return AdHocVerdict(monitor=name, version=answer.version, at=now, **answer.verdict.to_dict())


@router.post("/monitors/{generator}/dry-run")
def dry_run(generator: str, order: DryRunOrder, platform: PlatformDep, _operator: Operator) -> DryRunInfo:
    """Try a document on the past before it may wake anybody: every alarm it would have raised, and how many to expect
    with nothing wrong."""
    document = parse(order.document)
    since = platform.clock.now() - timedelta(days=platform.settings.retention.sketches_days)
    # It may keep a core busy for seconds: one at a time, for requests of the product come through here too.
    if not platform.rehearsing.acquire(blocking=False):
        raise SafelightError(Kind.BUSY, "dry_run_busy", "Another dry run is under way. Try again soon.", retry_after=5)
    try:
        with platform.database.reading() as session:
            inquiry = _inquiry(session, platform, generator)
            rehearsal = Rehearsal(inquiry, platform.settings.watching, order.name, document, since)
            found = rehearsal.run(session, order.start, order.end, order.step)
    finally:
        platform.rehearsing.release()
    return DryRunInfo(
        ticks=found.ticks,
        silent=found.silent,
        healths=dict(found.healths),
        alarms=[
            DryRunAlarm(
                first=alarm.first,
                last=alarm.last,
                ticks=alarm.ticks,
                version=alarm.version,
                **{name: value for name, value in alarm.verdict.to_dict().items() if name != "health"},
            )
            for alarm in found.alarms
        ],
        expected_false_alarms=found.expected_false_alarms,
    )


@router.get("/monitors/{generator}/{name}/verdicts")
def list_verdicts(
    generator: str,
    name: str,
    platform: PlatformDep,
    _reader: Reader,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="With its time zone")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="With its time zone; not included")] = None,
    health: Health | None = None,
    before: int | None = None,
    limit: Limit = 100,
) -> Page[VerdictInfo]:
    """What a monitor answered, tick by tick; the newest first. A monitor that was deleted still has its answers."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = verdicts.page(
            session, generator, monitor=name, health=health, since=start, until=end, before=before, limit=limit
        )
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
    now = platform.clock.now()
    end = end or now
    start = start or end - timedelta(hours=1)
    if start.tzinfo is None or end.tzinfo is None or not start < end <= start + _LONGEST_RANGE:
        raise SafelightError(
            Kind.INVALID,
            "range_invalid",
            f"'from' lies before 'to', both with a time zone, at most {_LONGEST_RANGE.days} days apart.",
        )
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return read_series(session, generator, start, end, width_at(start, now, platform.settings.watching))


def _inquiry(session: Session, platform: Platform, generator: str) -> Inquiry:
    return Inquiry.into(session, generator, platform.settings.watching, platform.lenses)


def _read(session: Session, platform: Platform, generator: str, name: str) -> MonitorInfo:
    inquiry = _inquiry(session, platform, generator)
    monitor = monitors.get(session, generator, name)
    latest = next((each for each in verdicts.latest(session, generator) if each.monitor == name), None)
    return _info(monitor, latest, inquiry.accounts(session, platform.clock.now()).get(name))


def _info(monitor: StoredMonitor, latest: StoredVerdict | None, account: Account | None) -> MonitorInfo:
    try:
        document = parse(monitor.document)
    except MonitorInvalid:  # of another release: it is listed, so that it can be written anew
        document = None
    return MonitorInfo(
        generator=monitor.generator,
        name=monitor.name,
        kind=monitor.kind,
        question=(type(document).__doc__ or "").strip() if document else "",
        enabled=monitor.enabled,
        critical=document is not None and document.critical,
        default=monitor.name in DEFAULT_NAMES,
        document=monitor.document,
        budget=None
        if account is None
        else BudgetInfo(
            false_alarms_per_month=account.spending.expected_false_alarms,
            comparisons_per_month=account.spending.comparisons_a_month,
            alpha=account.spending.alpha,
            slices=len(account.spending.slices),
            alarms_30d=account.raised.alarms,
            right_30d=account.raised.right,
            wrong_30d=account.raised.wrong,
        ),
        latest=VerdictInfo.of(latest) if latest else None,
    )
