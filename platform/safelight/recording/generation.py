"""The record of one generation: what the journal keeps, the shipper moves and the database holds."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Outcome(StrEnum):
    """How a generation ended."""

    SERVED = "served"
    FILTERED = "filtered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Arm(StrEnum):
    """Why a generation was made."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"
    PROBE = "probe"
    REPLAY = "replay"


class Source(StrEnum):
    """Where a generation came from."""

    ENGINE = "engine"
    INGEST = "ingest"
    IMPORT = "import"


class Generation(BaseModel):
    """One image made, or one that should have been. Serialised as JSON beside its PNG bytes in the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    created_at: datetime
    generator: str
    version: int
    bundle_digest: str
    environment_digest: str | None = None
    environment: dict[str, Any] | None = Field(None, description="Details of the environment, kept once per digest")
    source: Source
    arm: Arm
    outcome: Outcome
    error_code: str | None = None
    request_id: UUID
    api_key_id: UUID | None = None
    replica: str | None = None
    adapter: str | None = None
    tenant: str | None = None
    region: str | None = None
    end_user: str | None = Field(None, description="Who asked for it; to be forgotten by, never to be counted by")
    prompt: str
    final_prompt: str | None = Field(None, description="What the generator was given, where a rewriter changed it")
    seed: int | None = None
    parameters: dict[str, Any] = Field(description="steps, guidance, width, height, negative_prompt ... as resolved")
    envelope: dict[str, Any] = Field(
        default_factory=dict, description="What else a replay needs: batch size and position, threads, device, dtype"
    )
    seen: dict[str, Any] | None = Field(None, description="Signals measured at the source, in place of an image")
    queue_ms: float | None = None
    engine_ms: float | None = None
    total_ms: float | None = None
