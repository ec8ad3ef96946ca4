"""One incident for one cause: whoever finds the cause says so, and people are told once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.responding.announcement import Links, announce
from safelight.store import incidents
from safelight.store.database import Session
from safelight.store.incidents import KnownIncident

ACTOR = "safelight"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What an incident is about. `key` names the cause: while an incident of it lasts, there is no second one.

    `event` is the kind of the timeline's first line, `summary` what it says, `data` what it carries. `evidence` is
    gathered only where an incident opens. Without a suspect nothing is to be rolled back.
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


def open_of_cause(session: Session, cause: Cause, links: Links, now: datetime) -> KnownIncident | None:
    """Open an incident and tell the channels; None where one of this cause lasts already, which stays as it is."""
    if incidents.find_open(session, cause.key) is not None:
        return None
    incident = incidents.open_incident(
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
        evidence=cause.evidence(),
        now=now,
    )
    incidents.note(session, incident.id, cause.event, ACTOR, cause.summary, now, **cause.data)
    announce(session, incident, links, "incident.opened", cause.summary, now)
    return incident
