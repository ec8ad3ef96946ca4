"""Services that others run, and the scopes that a release goes through."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from registry.progress import State
from safelight.api.schemas.releases import GeneratorName
from safelight.store.ledger import DEFAULT_SCOPE
from safelight.store.targets import TargetKind

ScopeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class NewTarget(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    scope: ScopeName = DEFAULT_SCOPE
    kind: TargetKind
    url: str = Field(max_length=2_000, description="Of the receiver, or of the cluster's API server")
    secret: SecretStr = Field(SecretStr(""), description="A cluster's bearer token; a webhook's secret is made here")
    resource: dict[str, str] = Field(
        default_factory=dict,
        description="Of a cluster: namespace, name, container (argo_rollouts), value (a template of {name}, {uri}, "
        "{checkpoint}, {number}, {digest}), ca (PEM)",
        examples=[{"namespace": "images", "name": "portraits", "container": "server", "value": "{name}"}],
    )


class NewSecret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    secret: SecretStr = Field(SecretStr(""), description="A cluster's bearer token; for a webhook one is made here")
    overlap_hours: float = Field(24.0, ge=0, le=168, description="How long a webhook's previous secret counts as well")


class Target(BaseModel):
    """Somebody else's service: what it is told, and what it was seen to serve."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    scope: str
    kind: TargetKind
    url: str
    resource: dict[str, str]
    created_at: datetime
    created_by: str
    previous_secret_until: datetime | None = Field(description="Until then the secret before the last counts as well")
    release_id: UUID | None = Field(description="The release that it is told of")
    attempts: int = Field(description="How often it was told of that release, or looked at since")
    next_attempt_at: datetime | None
    told_at: datetime | None = Field(description="When it last took what it was told")
    last_error: str
    observed_release_id: UUID | None
    observed_version: int | None
    observed_at: datetime | None
    observed_detail: str


class CreatedTarget(Target):
    secret: str | None = Field(description="Verifies the orders of a webhook; in this answer and nowhere else")


class Observation(BaseModel):
    """What a target serves, said by itself."""

    model_config = ConfigDict(extra="forbid")

    release_id: UUID = Field(description="Of the order that this answers")
    version: int = Field(ge=1)
    detail: str = Field("", max_length=1_000)


class PlannedRequest(BaseModel):
    """What would be sent; for a target that serves it already, only a look."""

    model_config = ConfigDict(from_attributes=True)

    method: str
    url: str
    content_type: str
    body: str


class Scope(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="forbid")

    name: ScopeName
    bake_seconds: float = Field(
        0.0, ge=0, le=30 * 86_400, description="How long a version must have served there before the next one follows"
    )


class Scopes(BaseModel):
    """In order; the first one is always `default`, where releases are asked for."""

    model_config = ConfigDict(extra="forbid")

    scopes: list[Scope] = Field(min_length=1, max_length=50)


class ScopeState(BaseModel):
    """What should serve in a scope, and what does as far as anybody has seen."""

    name: str
    bake_seconds: float
    desired_version: int | None
    release_id: UUID | None
    state: State | None = Field(description="Of the release that put it there")
    observed_version: int | None = Field(description="Null: nobody has seen it yet, or it is none known here")
    observed_at: datetime | None
    detail: str
    target: Target | None
