"""Incidents."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from safelight.api.schemas.monitors import VerdictInfo
from safelight.responding.correlating import Matter
from safelight.responding.runbooks import LONGEST
from safelight.store.incident_states import IncidentState, IncidentStep
from safelight.store.incidents import Judgement, Resolution, Severity


class IncidentSummary(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    scope: str = Field(description="Of targets alone another than `default`")
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
    severity: Severity
    severity_by: str | None = Field(description="Who set it; null where it was derived")
    owner: str | None
    reopened_at: datetime | None
    judgement: Judgement | None = Field(description="The newest word on whether the alarm was right")


class TimelineEvent(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    seq: int
    at: datetime
    kind: str
    actor: str
    message: str
    data: dict[str, Any]


class JudgementInfo(BaseModel):
    """One person's word on an alarm."""

    model_config = ConfigDict(from_attributes=True)

    actor: str
    judgement: Judgement
    note: str
    at: datetime


class RunbookInfo(BaseModel):
    """What to do when a monitor alarms."""

    model_config = ConfigDict(from_attributes=True)

    generator: str
    monitor: str
    text: str = Field(description="Markdown")
    html: str = Field(description="The same as HTML, with whatever HTML was in it escaped")
    written_by: str | None = Field(description="Null: the bundled text")
    written_at: datetime | None


class RunbookText(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] = Field(description="Markdown")


class ChangeInfo(BaseModel):
    """Something that changed before an incident began."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    matter: Matter
    summary: str
    data: dict[str, Any]


class IncidentDetail(IncidentSummary):
    """`evidence` holds the window, the worst images, the top signals and Evidently's report, as gathered at opening."""

    verdict: VerdictInfo | None
    events: list[TimelineEvent]
    evidence: dict[str, Any]
    possible: list[IncidentStep] = Field(description="What can be done with it now")
    judgements: list[JudgementInfo]
    runbook: RunbookInfo


class Resolve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, StringConstraints(max_length=5000, strip_whitespace=True)] = ""


class IncidentChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    owner: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)] | None = Field(
        None, description="Null: nobody's"
    )
    severity: Severity = Severity.CRITICAL


class GiveJudgement(BaseModel):
    """Was the alarm right? One word a person; the next one replaces it."""

    model_config = ConfigDict(extra="forbid")

    judgement: Judgement
    note: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)] = ""


class Comment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=5000, strip_whitespace=True)]
