"""Incidents: what fired, what it rests on, and who has it."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.routes.runbooks import runbook_document
from safelight.api.schemas.incidents import (
    ChangeInfo,
    Comment,
    GiveJudgement,
    IncidentChange,
    IncidentDetail,
    IncidentSummary,
    JudgementInfo,
    Resolve,
    TimelineEvent,
)
from safelight.api.schemas.monitors import VerdictInfo
from safelight.api.schemas.page import Items, Limit, Page
from safelight.auditing.archive import zipped
from safelight.auditing.post_mortem import post_mortem
from safelight.responding import runbooks
from safelight.responding.correlating import changes_before
from safelight.store import incidents, judgements, verdicts
from safelight.store.database import Session
from safelight.store.incident_states import IncidentState, possible
from safelight.store.incidents import KnownIncident

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


@router.post("/{incident_id}/reopen")
def reopen(incident_id: UUID, why: Resolve, platform: PlatformDep, operator: Operator) -> IncidentDetail:
    """It was not over: it is triggered again, with its timeline."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        return _detail(session, platform.handling.reopen(session, incident_id, operator.name, why.note, now))


@router.patch("/{incident_id}")
def change_incident(
    incident_id: UUID, change: IncidentChange, platform: PlatformDep, operator: Operator
) -> IncidentDetail:
    """Say whose it is, and how urgent."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        if "owner" in change.model_fields_set:
            platform.handling.assign(session, incident_id, change.owner, operator.name, now)
        if "severity" in change.model_fields_set:
            platform.handling.rate(session, incident_id, change.severity, operator.name, now)
        return _detail(session, incidents.require(session, incident_id))


@router.put("/{incident_id}/judgement")
def judge(incident_id: UUID, given: GiveJudgement, platform: PlatformDep, operator: Operator) -> IncidentDetail:
    """Say whether the alarm was right: it is counted beside the budget of every monitor that raised it."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        found = platform.handling.judge(session, incident_id, given.judgement, given.note, operator.name, now)
        return _detail(session, found)


@router.get("/{incident_id}/changes")
def list_changes(
    incident_id: UUID,
    platform: PlatformDep,
    _reader: Reader,
    minutes: Annotated[int, Query(ge=1, le=10_080, description="How long before it began")] = 60,
) -> Items[ChangeInfo]:
    """What changed shortly before it began: releases, what engines run on, settings; the newest first."""
    with platform.database.reading() as session:
        incident = incidents.require(session, incident_id)
        found = changes_before(session, incident, timedelta(minutes=minutes))
    return Items(items=[ChangeInfo.model_validate(each) for each in found])


@router.get(
    "/{incident_id}/post-mortem",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def get_post_mortem(incident_id: UUID, platform: PlatformDep, _reader: Reader) -> StreamingResponse:
    """A zip of Markdown, charts and the worst images: what is on record of it, for people to go on from."""
    now = platform.clock.now()
    files = post_mortem(platform.database, platform.images, incident_id, now)
    headers = {"Content-Disposition": f'attachment; filename="post-mortem-{incident_id}.zip"'}
    return StreamingResponse(zipped(files, now), media_type="application/zip", headers=headers)


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
        possible=list(possible(incident.state)),
        judgements=[JudgementInfo.model_validate(each) for each in judgements.of_incident(session, incident.id)],
        runbook=runbook_document(runbooks.find(session, incident.generator, incident.monitor)),
    )
