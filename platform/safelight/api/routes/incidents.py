"""Incidents: what fired, what it rests on, and who has it."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.incidents import Comment, IncidentDetail, IncidentSummary, Resolve, TimelineEvent
from safelight.api.schemas.monitors import VerdictInfo
from safelight.api.schemas.page import Limit, Page
from safelight.store import incidents, verdicts
from safelight.store.database import Session
from safelight.store.incidents import IncidentState, KnownIncident

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], route_class=IdempotentRoute)


@router.get("")
def list_incidents(
    platform: PlatformDep,
    _reader: Reader,
    generator: str | None = None,
    state: IncidentState | None = None,
    before: UUID | None = None,
    limit: Limit = 50,
) -> Page[IncidentSummary]:
    """The newest first."""
    with platform.database.reading() as session:
        found = incidents.page(session, generator, {state} if state else (), before, limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[IncidentSummary.model_validate(incident) for incident in found], next=last)


@router.get("/{incident_id}")
def get_incident(incident_id: UUID, platform: PlatformDep, _reader: Reader) -> IncidentDetail:
    with platform.database.reading() as session:
        return _detail(session, incidents.require(session, incident_id))


@router.post("/{incident_id}/acknowledge")
def acknowledge(incident_id: UUID, platform: PlatformDep, operator: Operator) -> IncidentDetail:
    """Take charge of it."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        return _detail(session, platform.handling.acknowledge(session, incident_id, operator.name, now))


@router.post("/{incident_id}/resolve")
def resolve(incident_id: UUID, resolution: Resolve, platform: PlatformDep, operator: Operator) -> IncidentDetail:
    """Close it by hand; the monitors start from fresh windows afterwards."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        return _detail(session, platform.handling.resolve(session, incident_id, operator.name, resolution.note, now))


@router.post("/{incident_id}/comments")
def comment(incident_id: UUID, text: Comment, platform: PlatformDep, operator: Operator) -> IncidentDetail:
    """Add a line to its timeline."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        return _detail(session, platform.handling.comment(session, incident_id, operator.name, text.text, now))


def _detail(session: Session, incident: KnownIncident) -> IncidentDetail:
    verdict = verdicts.get(session, incident.verdict_id) if incident.verdict_id is not None else None
    summary = IncidentSummary.model_validate(incident)
    return IncidentDetail(
        **summary.model_dump(),
        verdict=VerdictInfo.of(verdict) if verdict else None,
        events=[TimelineEvent.model_validate(event) for event in incidents.timeline(session, incident.id)],
        evidence=incident.evidence,
    )
