"""Incidents, their timelines and the policy that answers them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.incident_states import IncidentState, IncidentStep, follow
from safelight.store.ledger import DEFAULT_SCOPE
from safelight.store.tables.incidents import Incident, IncidentEvent, Policy


class Severity(StrEnum):
    """How urgent an incident is."""

    CRITICAL = "critical"
    """What people get is worse, now: somebody is woken."""
    HIGH = "high"
    """Part of it is worse, or what would mend it does not work."""
    LOW = "low"
    """It can wait for the working day."""


class Judgement(StrEnum):
    """What somebody says of an alarm."""

    RIGHT = "right"
    WRONG = "wrong"


class Resolution(StrEnum):
    """How an incident came to its end."""

    ROLLED_BACK = "rolled_back"
    REPLACED = "replaced"
    RECOVERED = "recovered"
    """By itself."""
    BY_HAND = "by_hand"


class PolicyMode(StrEnum):
    """What may be done about an incident without asking."""

    OBSERVE = "observe"
    RECOMMEND = "recommend"
    AUTO = "auto"


@dataclass(frozen=True)
class KnownIncident:
    """Something that needs a person, or the policy."""

    id: UUID
    generator: str
    scope: str
    dedup_key: str
    state: IncidentState
    title: str
    monitor: str
    reason: str
    verdict_id: int | None
    suspect_version: int | None
    suspect_release_id: UUID | None
    suggested_target: int | None
    repair_release_id: UUID | None
    evidence: dict[str, Any]
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: Resolution | None
    severity: Severity = Severity.CRITICAL
    severity_by: str | None = None
    """Who set it; None where it was derived."""
    owner: str | None = None
    reopened_at: datetime | None = None
    """When it was last opened again."""
    judgement: Judgement | None = None
    """The newest word on whether the alarm was right."""


@dataclass(frozen=True)
class Event:
    """A line of a timeline."""

    seq: int
    at: datetime
    kind: str
    actor: str
    message: str
    data: dict[str, Any]


def find_open(session: Session, dedup_key: str) -> KnownIncident | None:
    row = session.scalar(select(Incident).where(Incident.open_key == dedup_key))
    return _incident(row) if row else None


def newest_of_cause(session: Session, generator: str, dedup_key: str) -> KnownIncident | None:
    """The last one of a cause, whether it lasts or not."""
    query = select(Incident).where(Incident.generator == generator, Incident.dedup_key == dedup_key)
    row = session.scalar(query.order_by(Incident.id.desc()).limit(1))
    return _incident(row) if row else None


def open_incidents(session: Session, generator: str) -> list[KnownIncident]:
    """Those that are not resolved, the oldest first."""
    query = select(Incident).where(Incident.generator == generator, Incident.open_key.is_not(None))
    return [_incident(row) for row in session.scalars(query.order_by(Incident.id))]


def open_of_monitor(session: Session, monitor: str) -> list[KnownIncident]:
    """Those of all generators that a monitor opened and that are not resolved, the oldest first."""
    query = select(Incident).where(Incident.monitor == monitor, Incident.open_key.is_not(None))
    return [_incident(row) for row in session.scalars(query.order_by(Incident.id))]


def open_incident(
    session: Session,
    *,
    generator: str,
    dedup_key: str,
    title: str,
    monitor: str,
    reason: str,
    verdict_id: int | None,
    suspect_version: int | None,
    suspect_release_id: UUID | None,
    suggested_target: int | None,
    evidence: dict[str, Any],
    now: datetime,
    scope: str = DEFAULT_SCOPE,
    severity: Severity = Severity.CRITICAL,
) -> KnownIncident:
    """A new incident. A second one of the same key violates `open_key`'s uniqueness while the first lasts."""
    row = Incident(
        id=new_id(),
        generator=generator,
        scope=scope,
        open_key=dedup_key,
        dedup_key=dedup_key,
        state=IncidentState.TRIGGERED.value,
        title=title,
        monitor=monitor,
        reason=reason,
        verdict_id=verdict_id,
        suspect_version=suspect_version,
        suspect_release_id=suspect_release_id,
        suggested_target=suggested_target,
        evidence=evidence,
        opened_at=now,
        severity=severity.value,
    )
    session.add(row)
    session.flush()
    return _incident(row)


def require(session: Session, incident_id: UUID) -> KnownIncident:
    """Raises `incident_not_found`."""
    return _incident(_row(session, incident_id))


def acknowledge(session: Session, incident_id: UUID, actor: str, now: datetime) -> KnownIncident:
    """Whoever takes charge first owns it. Raises `incident_transition_illegal`."""
    row = _moved(session, incident_id, IncidentStep.ACKNOWLEDGE)
    row.acknowledged_at, row.acknowledged_by, row.owner = now, actor, row.owner or actor
    session.flush()
    return _incident(row)


def resolve(session: Session, incident_id: UUID, actor: str, resolution: Resolution, now: datetime) -> KnownIncident:
    """Raises `incident_transition_illegal`."""
    row = _moved(session, incident_id, IncidentStep.RESOLVE)
    row.open_key = None
    row.resolved_at, row.resolved_by, row.resolution = now, actor, resolution.value
    session.flush()
    return _incident(row)


def reopen(session: Session, incident_id: UUID, now: datetime) -> KnownIncident:
    """Triggered again, its owner and its timeline kept. Raises `incident_transition_illegal`, and violates `open_key`'s
    uniqueness where another one of its cause is open."""
    row = _moved(session, incident_id, IncidentStep.REOPEN)
    row.open_key, row.reopened_at = row.dedup_key, now
    row.acknowledged_at = row.acknowledged_by = row.resolved_at = row.resolved_by = row.resolution = None
    row.repair_release_id = None
    session.flush()
    return _incident(row)


def assign(session: Session, incident_id: UUID, owner: str | None) -> KnownIncident:
    row = _row(session, incident_id)
    row.owner = owner
    session.flush()
    return _incident(row)


def set_severity(session: Session, incident_id: UUID, severity: Severity, actor: str) -> KnownIncident:
    row = _row(session, incident_id)
    row.severity, row.severity_by = severity.value, actor
    session.flush()
    return _incident(row)


def add_evidence(session: Session, incident_id: UUID, **more: Any) -> None:
    """Keep what was found after the incident opened."""
    row = _row(session, incident_id)
    row.evidence = row.evidence | more
    session.flush()


def set_repair(session: Session, incident_id: UUID, release_id: UUID) -> None:
    _row(session, incident_id).repair_release_id = release_id
    session.flush()


def note(session: Session, incident_id: UUID, kind: str, actor: str, message: str, now: datetime, **data: Any) -> Event:
    """Add a line to the timeline. Whoever writes to it at the same moment waits: else both number their lines alike."""
    session.execute(select(Incident.id).where(Incident.id == incident_id).with_for_update())
    last = session.scalar(select(func.max(IncidentEvent.seq)).where(IncidentEvent.incident_id == incident_id))
    row = IncidentEvent(
        incident_id=incident_id, seq=(last or 0) + 1, at=now, kind=kind, actor=actor, message=message, data=data
    )
    session.add(row)
    session.flush()
    return _event(row)


def timeline(session: Session, incident_id: UUID) -> list[Event]:
    query = select(IncidentEvent).where(IncidentEvent.incident_id == incident_id).order_by(IncidentEvent.seq)
    return [_event(row) for row in session.scalars(query)]


def page(
    session: Session, generator: str | None, states: Collection[IncidentState], before: UUID | None, limit: int
) -> list[KnownIncident]:
    """The newest first; no states means all of them."""
    query = select(Incident).order_by(Incident.id.desc()).limit(limit)
    if generator is not None:
        query = query.where(Incident.generator == generator)
    if states:
        query = query.where(Incident.state.in_([state.value for state in states]))
    if before is not None:
        query = query.where(Incident.id < before)
    return [_incident(row) for row in session.scalars(query)]


def last_resolved(session: Session, generator: str, before: datetime | None = None) -> datetime | None:
    """When an incident of the generator was last resolved, or last before a moment."""
    query = select(func.max(Incident.resolved_at)).where(Incident.generator == generator)
    return session.scalar(query if before is None else query.where(Incident.resolved_at <= before))


def between(session: Session, generator: str, start: datetime, end: datetime) -> list[KnownIncident]:
    """The newest 200 that lasted at some moment of a range of time, the oldest of them first."""
    return lasting(session, generator, start, end, None, 200)[::-1]


def lasting(
    session: Session, generator: str, start: datetime, end: datetime, before: UUID | None, limit: int
) -> list[KnownIncident]:
    """Those that lasted at some moment of a range of time, the newest first."""
    query = select(Incident).where(
        Incident.generator == generator,
        Incident.opened_at < end,
        or_(Incident.resolved_at.is_(None), Incident.resolved_at >= start),
    )
    if before is not None:
        query = query.where(Incident.id < before)
    return [_incident(row) for row in session.scalars(query.order_by(Incident.id.desc()).limit(limit))]


def policy(session: Session, generator: str) -> PolicyMode:
    """A generator without a policy of its own is answered with a recommendation."""
    row = session.get(Policy, generator)
    return PolicyMode(row.mode) if row else PolicyMode.RECOMMEND


def set_policy(session: Session, generator: str, mode: PolicyMode, actor: str, now: datetime) -> None:
    row = session.get(Policy, generator)
    if row is None:
        session.add(Policy(generator=generator, mode=mode.value, updated_at=now, updated_by=actor))
    else:
        row.mode, row.updated_at, row.updated_by = mode.value, now, actor
    session.flush()


def _moved(session: Session, incident_id: UUID, step: IncidentStep) -> Incident:
    row = _row(session, incident_id)
    row.state = follow(IncidentState(row.state), step).value
    return row


def _row(session: Session, incident_id: UUID) -> Incident:
    row = session.get(Incident, incident_id)
    if row is None:
        raise not_found("incident", incident_id)
    return row


def _event(row: IncidentEvent) -> Event:
    return Event(row.seq, row.at, row.kind, row.actor, row.message, row.data)


def _incident(row: Incident) -> KnownIncident:
    return KnownIncident(
        id=row.id,
        generator=row.generator,
        scope=row.scope,
        dedup_key=row.dedup_key,
        state=IncidentState(row.state),
        title=row.title,
        monitor=row.monitor,
        reason=row.reason,
        verdict_id=row.verdict_id,
        suspect_version=row.suspect_version,
        suspect_release_id=row.suspect_release_id,
        suggested_target=row.suggested_target,
        repair_release_id=row.repair_release_id,
        evidence=row.evidence,
        opened_at=row.opened_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        resolution=Resolution(row.resolution) if row.resolution else None,
        severity=Severity(row.severity),
        severity_by=row.severity_by,
        owner=row.owner,
        reopened_at=row.reopened_at,
        judgement=Judgement(row.judgement) if row.judgement else None,
    )
