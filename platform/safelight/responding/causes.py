"""One incident for one cause: whoever finds the cause says so, and people are told once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from safelight.responding.announcement import Links, announce
from safelight.responding.severity import derive
from safelight.store import incidents
from safelight.store.database import Session
from safelight.store.incidents import KnownIncident, Resolution, Severity
from safelight.store.ledger import DEFAULT_SCOPE

ACTOR = "safelight"
REOPENED_WITHIN = timedelta(hours=1)
"""After its end: what comes back later is something to look at anew."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What an incident is about. `key` names the cause: while an incident of it lasts, there is no second one.

    `event` is the kind of the timeline's first line, `summary` what it says, `data` what it carries. `evidence` is
    gathered only where an incident opens. Without a suspect nothing is to be rolled back. `severity` None: derived.
    """

    generator: str
    key: str
    title: str
    monitor: str
    reason: str
    event: str
    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)
    evidence: Callable[[], dict[str, Any]] = dict
    verdict_id: int | None = None
    suspect_version: int | None = None
    suspect_release_id: UUID | None = None
    suggested_target: int | None = None
    severity: Severity | None = None
    scope: str = DEFAULT_SCOPE


def open_of_cause(session: Session, cause: Cause, links: Links, now: datetime) -> KnownIncident | None:
    """Open an incident and tell the channels; None where one of this cause lasts already, which stays as it is.

    One that was resolved within the hour is opened again instead: it was not over.
    """
    last = incidents.newest_of_cause(session, cause.generator, cause.key)
    if last is not None and last.resolved_at is None:
        return None
    if last is not None and last.resolved_at is not None and now - last.resolved_at < REOPENED_WITHIN:
        incident, event = incidents.reopen(session, last.id, now), "incident.reopened"
        incidents.note(session, incident.id, "reopened", ACTOR, f"It is back: {cause.summary}", now)
    else:
        incident, event = _opened(session, cause, now), "incident.opened"
    incidents.note(session, incident.id, cause.event, ACTOR, cause.summary, now, **cause.data)
    announce(session, incident, links, event, cause.summary, now)
    return incident


def end_of_cause(session: Session, incident: KnownIncident, summary: str, links: Links, now: datetime) -> None:
    """Resolve an incident whose cause is gone by itself, and tell the channels."""
    resolved = incidents.resolve(session, incident.id, ACTOR, Resolution.RECOVERED, now)
    incidents.note(session, incident.id, "recovered", ACTOR, summary, now)
    announce(session, resolved, links, "incident.resolved", summary, now)


def _opened(session: Session, cause: Cause, now: datetime) -> KnownIncident:
    evidence = cause.evidence()
    derived = derive(cause.reason, one_part="slice" in evidence, suspects_version=cause.suspect_version is not None)
    return incidents.open_incident(
        session,
        generator=cause.generator,
        dedup_key=cause.key,
        title=cause.title,
        monitor=cause.monitor,
        reason=cause.reason,
        verdict_id=cause.verdict_id,
        suspect_version=cause.suspect_version,
        suspect_release_id=cause.suspect_release_id,
        suggested_target=cause.suggested_target,
        evidence=evidence,
        scope=cause.scope,
        severity=cause.severity or derived,
        now=now,
    )
