"""Generators, versions, releases and the ledger."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from registry.canary import CanaryPlan
from registry.ledger import EntryKind
from registry.manifest import Name
from registry.parameters import Real
from registry.progress import State
from safelight.api.schemas.canaries import Canary
from safelight.api.schemas.gate_results import GateInfo, OverrideInfo
from safelight.store.incidents import PolicyMode
from safelight.store.verifications import VerificationState

Why = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)]
GeneratorName = Annotated[str, StringConstraints(min_length=1, max_length=63)]


class NewAdapter(BaseModel):
    """Low-rank weights (LoRA) to be put on top of the checkpoint."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="As generations and slices will carry it")
    file: str = Field(description="A .safetensors file on the server")
    scale: Real = 1.0


class NewVersion(BaseModel):
    """Register a checkpoint that lies in a folder the server can read."""

    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    folder: str = Field(description="A diffusers folder on the server, safetensors only")
    manifest: dict[str, Any] = Field(description="The version's manifest, without 'checkpoint'")
    adapters: list[NewAdapter] = Field(
        default_factory=list, max_length=20, description="Put into the bundle after those that the manifest lists"
    )


class NewExternalVersion(BaseModel):
    """Tell of a version that your own service serves. Its checkpoint stays where it is."""

    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    manifest: dict[str, Any] = Field(
        description="name (what your service calls it) and, as far as you like to tell: checkpoint (a sha256: digest), "
        "uri, defaults (steps, guidance, width, height), facts, description, tags, provenance",
        examples=[{"name": "portraits:2026-11-03", "uri": "s3://models/portraits/2026-11-03"}],
    )


class Version(BaseModel):
    """One immutable bundle, and what became of it."""

    generator: str
    number: int
    digest: str
    description: str
    manifest: dict[str, Any]
    registered_at: datetime
    registered_by: str
    gone_at: datetime | None = Field(description="Since when the registry no longer has it: it cannot be released")
    external: bool = Field(description="Somebody else's service serves it: nothing of it is loaded here")
    serving: bool
    accepted: bool = Field(description="Known good: a target of rollbacks")
    rolled_back: bool = Field(description="Production was taken away from it and it was not accepted since")
    quarantined: bool = Field(description="That was because of an incident: promoting it again takes an override")
    warm: bool = Field(description="Loaded and checked: going to it takes less than a second")
    baselines: int
    parent: int | None = Field(description="The version that this one is a variant of: cheaper, not other images")


class Promote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    version: int = Field(ge=1)
    expected_serving: int | None = Field(None, description="The version the asker saw serving; 409 when it moved")
    reason: Why = ""
    override: Annotated[Why, Field(min_length=1)] | None = Field(
        None, description="Why the asker, an admin, answers for a version that does not pass its gates"
    )
    canary: CanaryPlan | None = Field(None, description="Take the traffic step by step; left out: all at once")


class Rollback(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    version: int | None = Field(None, ge=1, description="Left out: the last known good")
    expected_serving: int | None = Field(None, description="The version the asker saw serving; 409 when it moved")
    reason: Why = ""
    incident_id: UUID | None = None


class Accept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    expected_serving: int | None = None
    reason: Why = ""


class ReleaseStep(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    seq: int
    step: State
    detail: str
    at: datetime


class Verification(BaseModel):
    """How the version that a rollback put in place was looked at once it served."""

    model_config = ConfigDict(from_attributes=True)

    state: VerificationState
    detail: str
    run_id: UUID | None = Field(description="Of the probes")
    begun_at: datetime
    ended_at: datetime | None


class Loading(BaseModel):
    """How far the engine has come that a release waits for."""

    model_config = ConfigDict(from_attributes=True)

    host: str
    detail: str
    bytes_read: int | None = Field(description="Of the checkpoint, fetched and verified")
    bytes_total: int | None


class Release(BaseModel):
    """One change of what serves, and how far it has come."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    scope: str = Field(description="The region or stage that it is about")
    kind: EntryKind
    from_version: int | None
    to_version: int
    state: State
    moving: bool = Field(description="Whether the platform still has something to do for it by itself")
    actor: str
    reason: str
    incident_id: UUID | None
    created_at: datetime
    finished_at: datetime | None
    ledger_seq: int | None
    steps: list[ReleaseStep] = []
    gates: list[GateInfo] = Field([], description="What the gates said when they were last asked")
    override: OverrideInfo | None = Field(None, description="Who promotes it whatever the gates say")
    loading: Loading | None = None
    verification: Verification | None = None
    canary: Canary | None = Field(None, description="How far it has come, of a promote that takes the traffic in steps")


class LedgerLine(BaseModel):
    """One link of the chain."""

    model_config = ConfigDict(from_attributes=True)

    seq: int
    kind: EntryKind
    from_version: int | None
    to_version: int
    to_digest: str
    actor: str
    reason: str
    incident_id: str | None
    at: datetime
    prev_hash: str
    hash: str


class PolicyDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: PolicyMode
    most_per_hour: int | None = Field(
        None, ge=1, le=10, description="Automatic rollbacks allowed within an hour; left out of a request: as it is"
    )
