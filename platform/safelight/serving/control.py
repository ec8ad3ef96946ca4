"""What an engine host and its child say to each other, one JSON line at a time over the child's pipes."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from registry.manifest import Manifest


class EngineSpec(BaseModel):
    """Everything a child needs. It comes through a pipe because the token must not show in a list of processes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    manifest: Manifest
    device: str
    threads: int
    max_batch: int
    max_wait_ms: float
    host: str
    token: str


class ReportKind(StrEnum):
    VERIFYING = "verifying"
    """The version is loaded; the golden check begins."""
    READY = "ready"
    BEAT = "beat"
    FAILED = "failed"


class Report(BaseModel):
    """A child's sign of life. `port` and `environment_digest` come with READY, `detail` with FAILED."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ReportKind
    port: int | None = None
    environment_digest: str | None = None
    detail: str = ""
    in_flight: int = 0
