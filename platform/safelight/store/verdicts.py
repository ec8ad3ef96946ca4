"""What the monitors answered, tick by tick."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitors.verdict import Health, Reason, Verdict
from safelight.store.tables.monitoring import MonitorRow, VerdictRow


@dataclass(frozen=True)
class NewVerdict:
    """An answer before it has its id. `critical` tells whether it may open an incident; `slices` are the answers for
    all traffic and its slices, by name, where the monitor looks at them."""

    monitor: str
    critical: bool
    version: int | None
    verdict: Verdict
    slices: Mapping[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredVerdict:
    """One monitor's answer about one version at one tick."""

    id: int
    generator: str
    monitor: str
    critical: bool
    version: int | None
    slot: datetime
    verdict: Verdict
    ticks: int = 1
    """It stands for so many in a row, of which `slot` is the last."""


def add(session: Session, generator: str, slot: datetime, answers: Iterable[NewVerdict]) -> list[StoredVerdict]:
    rows = [
        VerdictRow(
            generator=generator,
            monitor=answer.monitor,
            critical=answer.critical,
            version=answer.version,
            slot=slot,
            health=answer.verdict.health.value,
            reason=answer.verdict.reason.value,
            summary=answer.verdict.summary,
            n=answer.verdict.n,
            effect=answer.verdict.effect,
            p_value=answer.verdict.p_value,
            threshold=answer.verdict.threshold,
            window_seconds=answer.verdict.window_seconds,
            evidence=dict(answer.verdict.evidence),
        )
        for answer in answers
    ]
    session.add_all(rows)
    session.flush()
    return [_stored(row) for row in rows]


def get(session: Session, verdict_id: int) -> StoredVerdict | None:
    row = session.get(VerdictRow, verdict_id)
    return _stored(row) if row else None


def latest(session: Session, generator: str) -> list[StoredVerdict]:
    """What the monitors answered at the newest tick, by their names; one that was not asked then is not among them."""
    names = session.scalars(select(MonitorRow.name).where(MonitorRow.generator == generator).order_by(MonitorRow.name))
    newest = [each for name in names.all() for each in page(session, generator, monitor=name, limit=1)]
    slot = max((each.slot for each in newest), default=None)
    return [each for each in newest if each.slot == slot]


def page(
    session: Session,
    generator: str,
    *,
    monitor: str | None = None,
    health: Health | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[StoredVerdict]:
    """Of slots in [since, until), the newest first; `before` is the last id of the page before."""
    query = select(VerdictRow).where(VerdictRow.generator == generator).order_by(VerdictRow.id.desc()).limit(limit)
    if monitor is not None:
        query = query.where(VerdictRow.monitor == monitor)
    if health is not None:
        query = query.where(VerdictRow.health == health.value)
    if since is not None:
        query = query.where(VerdictRow.slot >= since)
    if until is not None:
        query = query.where(VerdictRow.slot < until)
    if before is not None:
        query = query.where(VerdictRow.id < before)
    return [_stored(row) for row in session.scalars(query)]


def counts(session: Session, generator: str, monitor: str, since: datetime, until: datetime) -> dict[str, int]:
    """How often a monitor answered what, of slots in [since, until); to the hour, where verdicts were thinned."""
    query = (
        select(VerdictRow.health, func.sum(VerdictRow.ticks))
        .where(
            VerdictRow.generator == generator,
            VerdictRow.monitor == monitor,
            VerdictRow.slot >= since,
            VerdictRow.slot < until,
        )
        .group_by(VerdictRow.health)
        .order_by(VerdictRow.health)
    )
    return {health: int(ticks) for health, ticks in session.execute(query)}


def _stored(row: VerdictRow) -> StoredVerdict:
    return StoredVerdict(
        id=row.id,
        generator=row.generator,
        monitor=row.monitor,
        critical=row.critical,
        version=row.version,
        slot=row.slot,
        verdict=Verdict(
            health=Health(row.health),
            reason=Reason(row.reason),
            summary=row.summary,
            effect=row.effect,
            p_value=row.p_value,
            threshold=row.threshold,
            window_seconds=row.window_seconds,
            n=row.n,
            evidence=row.evidence,
        ),
        ticks=row.ticks,
    )
