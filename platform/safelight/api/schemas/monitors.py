"""Monitors, verdicts and the series that charts are drawn from."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from monitors.verdict import Health
from registry.ledger import EntryKind
from safelight.store.verdicts import StoredVerdict


class VerdictInfo(BaseModel):
    """One answer of a monitor."""

    id: int
    monitor: str
    critical: bool
    version: int | None
    slot: datetime
    health: Health
    reason: str
    summary: str
    n: int
    effect: float | None
    p_value: float | None
    threshold: float | None
    window_seconds: float | None
    evidence: dict[str, Any]

    @classmethod
    def of(cls, stored: StoredVerdict) -> Self:
        return cls(
            id=stored.id,
            monitor=stored.monitor,
            critical=stored.critical,
            version=stored.version,
            slot=stored.slot,
            **stored.verdict.to_dict(),
        )


class MonitorInfo(BaseModel):
    """A monitor, what it asks, and its newest answer."""

    name: str
    kind: str
    question: str
    enabled: bool
    critical: bool
    document: dict[str, Any]
    latest: VerdictInfo | None


class MonitorChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: bool


class TrafficPoint(BaseModel):
    """One version's requests in one bucket of time."""

    at: datetime
    version: int
    served: int
    filtered: int
    failed: int
    cancelled: int
    p50_ms: float | None
    p95_ms: float | None


class SignalPoint(BaseModel):
    """One version's scored images in one bucket of time; `alignment` is a mean with its standard error."""

    at: datetime
    version: int
    n: int
    alignment: float | None
    alignment_se: float | None
    sharpness: float | None
    contrast: float | None
    blank: int
    broken: int
    near_duplicates: int


class ReleaseMarker(BaseModel):
    at: datetime
    kind: EntryKind
    from_version: int | None
    to_version: int
    release_id: UUID


class IncidentSpan(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    opened_at: datetime
    resolved_at: datetime | None
    title: str


class Series(BaseModel):
    """What happened in a range of time, in buckets."""

    bucket_seconds: int
    traffic: list[TrafficPoint]
    signals: list[SignalPoint]
    releases: list[ReleaseMarker]
    incidents: list[IncidentSpan]
