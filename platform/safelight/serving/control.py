"""What an engine host and its child say to each other, one JSON line at a time over the child's pipes."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from registry.manifest import Manifest
from safelight.store.residency import Residency


class EngineSpec(BaseModel):
    """Everything a child needs. It comes through a pipe because the token must not show in a list of processes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    manifest: Manifest
    device: str
    residency: Residency = Residency.DEVICE
    threads: int
    max_batch: int
    max_wait_ms: float
    host: str
    token: str


class ReportKind(StrEnum):
    STANDBY = "standby"
    """The version is loaded into the host's memory and waits to be woken: a line on the standard input."""
    VERIFYING = "verifying"
    """The version is on its device; the golden check begins."""
    READY = "ready"
    BEAT = "beat"
    FAILED = "failed"


class Report(BaseModel):
    """A child's sign of life. `port` and `environment_digest` come with READY, `detail` with FAILED.

    With STANDBY and BEAT come the bytes that it takes of the host's memory and of its GPU's, and those of the GPU that
    are taken by all; None where there is no GPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ReportKind
    port: int | None = None
    environment_digest: str | None = None
    detail: str = ""
    in_flight: int = 0
    host_bytes: int | None = None
    device_bytes: int | None = None
    memory_used: int | None = None
    memory_total: int | None = None
