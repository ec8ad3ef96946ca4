"""Incidents."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from safelight.api.schemas.monitors import VerdictInfo
from safelight.store.incidents import IncidentState, Resolution


class IncidentSummary(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    state: IncidentState
    title: str
    monitor: str
    reason: str
    suspect_version: int | None
    suspect_release_id: UUID | None
    suggested_target: int | None
    repair_release_id: UUID | None
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: Resolution | None


class TimelineEvent(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    seq: int
    at: datetime
    kind: str
    actor: str
    message: str
    data: dict[str, Any]


class IncidentDetail(IncidentSummary):
    """`evidence` holds the window, the worst images, the top signals and Evidently's report, as gathered at opening."""

    verdict: VerdictInfo | None
    events: list[TimelineEvent]
    evidence: dict[str, Any]


class Resolve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, StringConstraints(max_length=5000, strip_whitespace=True)] = ""


class Comment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=5000, strip_whitespace=True)]
