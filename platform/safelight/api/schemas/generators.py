"""What the first screen answers: what serves, since when, is it healthy, what fired."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from monitors.verdict import Health
from safelight.api.schemas.gate_results import GateInfo, OverrideInfo
from safelight.api.schemas.guard import Drill
from safelight.api.schemas.releases import Release
from safelight.store.incidents import PolicyMode


class ServingOverride(OverrideInfo):
    """A version serves that did not pass all its gates, and nobody has accepted it since."""

    gates: list[GateInfo] = Field(description="Those that it did not pass")


class Serving(BaseModel):
    version: int
    since: datetime
    description: str
    accepted: bool
    external: bool = Field(description="Somebody else's service serves it")
    release_id: UUID | None
    override: ServingOverride | None = Field(description="Until the version is accepted or replaced")


class RollbackTarget(BaseModel):
    """Where one click leads."""

    version: int
    warm: bool
    external: bool = Field(description="Somebody else's service serves it: nothing has to be loaded")
    description: str
    drill: Drill | None = Field(description="The last that says whether there is this way back")


class EngineInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    host: str
    state: str
    detail: str
    spare: bool = Field(description="Loaded afresh for probes or a drill; no traffic goes to it")
    residency: str = Field(description="device, or where a version to go back to waits for room: host (memory), disk")
    host_bytes: int | None = Field(description="What its process takes of this machine's memory")
    device_bytes: int | None = Field(description="The most it has taken of its GPU's memory; null without a GPU")
    started_at: datetime
    ready_at: datetime | None
    heartbeat_at: datetime


class GeneratorStatus(BaseModel):
    name: str
    description: str
    serving: Serving | None
    health: Health
    health_reason: str
    health_summary: str
    rollback_target: RollbackTarget | None
    open_release: Release | None
    engines: list[EngineInfo]
    in_flight: int
    open_incidents: int
    images_per_minute: float
    last_generation_at: datetime | None
    policy: PolicyMode
