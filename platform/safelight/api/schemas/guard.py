"""The guard: whether it may act, what it would have done, and the drills that show there is a way back."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from safelight.api.schemas.releases import GeneratorName, Why
from safelight.responding.policy import Action
from safelight.responding.recalling import MOST_DAYS
from safelight.store.drills import DrillReason, DrillState


class GuardStatus(BaseModel):
    """Whether anything may be done automatically, for any generator."""

    stopped: bool
    since: datetime | None = None
    by: str | None = None
    reason: str | None = None


class Switch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Why = ""


class NewDrill(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    version: int | None = Field(None, ge=1, description="Left out: the version that a rollback would go to")


class Drill(BaseModel):
    """A version that was loaded afresh, beside what serves, to see that it can be gone back to."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    version: int
    night: datetime | None = Field(description="Of the schedule; null where somebody asked for it")
    state: DrillState
    reason: DrillReason | None
    detail: str
    host: str | None
    ordered_at: datetime
    ordered_by: str
    finished_at: datetime | None
    fetch_seconds: float | None = Field(description="Until its checkpoint was here and every byte of it verified")
    load_seconds: float | None = Field(description="Then until it was on its device")
    check_seconds: float | None = Field(description="Then until its golden images were drawn and held to what was kept")
    seconds: float | None = Field(description="All of them: how long a cold rollback to it would take")
    size_bytes: int | None


class PolicyDryRunOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int = Field(30, ge=1, le=MOST_DAYS)
    most_per_hour: int | None = Field(None, ge=1, le=10, description="Left out: as the generator's policy has it")


class PolicyStep(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    at: datetime
    incident_id: UUID
    title: str
    action: Action
    why: str
    target: int | None
    known: bool = Field(description="Whether what would have come next can be told from what is stored")
    message: str


class PolicyDryRun(BaseModel):
    """What an armed policy would have done: from the verdicts, incidents, probes, drills and stops that are stored."""

    since: datetime
    until: datetime
    most_per_hour: int
    incidents: int
    whole: bool = Field(description="False where there were more incidents than are looked at: then of the newest")
    rollbacks: int
    steps: list[PolicyStep]
