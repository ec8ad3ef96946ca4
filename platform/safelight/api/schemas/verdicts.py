"""What a tool that rolls versions out is told, and what it tells us."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from monitors.verdict import Health, Reason


class MonitorAnswer(BaseModel):
    """What one critical monitor has just said."""

    monitor: str
    health: Health
    reason: Reason
    summary: str
    at: datetime


class DeploymentVerdict(BaseModel):
    """May the version go on? `passed` only where all monitors have just called it healthy."""

    generator: str
    version: int | None = Field(description="The version asked about; left out of the request: what serves")
    serving: int | None
    at: datetime
    health: Health
    passed: bool
    reason: Reason
    summary: str
    incident_id: UUID | None = Field(description="The open incident that speaks against the version")
    monitors: list[MonitorAnswer]


class GateCall(BaseModel):
    """A webhook as Flagger sends it; what it says beyond this is ignored."""

    name: str = ""
    namespace: str = ""
    phase: str = ""
    metadata: dict[str, str] = Field(
        default_factory=dict, description="'version', and 'key' where no header can be sent", repr=False
    )
