"""Monitors, verdicts and the series that charts are drawn from."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from monitors.verdict import Health
from registry.ledger import EntryKind
from safelight.store.verdicts import StoredVerdict
from safelight.watching.applying import Change


class VerdictInfo(BaseModel):
    """One answer of a monitor."""

    id: int
    monitor: str
    critical: bool
    version: int | None
    slot: datetime
    ticks: int = Field(description="It stands for so many in a row, `slot` the last: more than one where it is old")
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
            ticks=stored.ticks,
            **stored.verdict.to_dict(),
        )


class BudgetInfo(BaseModel):
    """What a monitor may spend on false alarms, and what it raised."""

    false_alarms_per_month: float = Field(description="Expected at most with nothing wrong; 0 where it only informs")
    comparisons_per_month: float
    alpha: float = Field(description="The level of one comparison, all slices of the traffic together")
    slices: int = Field(description="Parts of the traffic that it looks at alone")
    alarms_30d: int = Field(description="Incidents of the last 30 days that it opened or joined, false or not")
    right_30d: int = Field(description="Those of them that were last called right")
    wrong_30d: int = Field(description="Those of them that were last called wrong: what the budget is for")


class MonitorInfo(BaseModel):
    """A monitor, what it asks, what it may spend, and its newest answer."""

    generator: str
    name: str
    kind: str
    question: str
    enabled: bool
    critical: bool
    default: bool = Field(description="Every generator has it: it can be disabled, and not deleted")
    document: dict[str, Any]
    budget: BudgetInfo | None = Field(description="None where it has no question at present, and spends nothing")
    latest: VerdictInfo | None


class MonitorChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: bool


class MonitorDocument(BaseModel):
    """A monitor as it should be: kind, share, critical, longest_seconds, and what its kind adds."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any] = Field(examples=[{"kind": "blank_rate", "tolerance": 0.01}])
    enabled: bool = True


class MonitorDefinition(MonitorDocument):
    """A monitor as it should be, and whose it is."""

    generator: str
    name: str


class MonitorDefinitions(BaseModel):
    """Many at once: all of them are applied, or none."""

    model_config = ConfigDict(extra="forbid")

    monitors: Annotated[list[MonitorDefinition], Field(min_length=1, max_length=500)]


class AppliedMonitor(BaseModel):
    """What became of a definition."""

    generator: str
    name: str
    change: Change


class AdHocVerdict(BaseModel):
    """An answer given to somebody who asked: it is stored nowhere, opens no incident and spends no budget."""

    ad_hoc: Literal[True] = True
    monitor: str
    version: int | None
    at: datetime
    health: Health
    reason: str
    summary: str
    n: int
    effect: float | None
    p_value: float | None
    threshold: float | None
    window_seconds: float | None
    evidence: dict[str, Any]


class DryRunOrder(BaseModel):
    """Try a document on the past. `name` is that of the monitor it is meant to replace, if it is."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]
    name: str = ""
    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    step: int = Field(1, ge=1, le=1_440, description="Look at every so many ticks only")


class DryRunAlarm(BaseModel):
    """Ticks in a row at which it would have alarmed: somebody would have been woken once."""

    first: datetime
    last: datetime
    ticks: int
    version: int
    reason: str
    summary: str
    n: int
    effect: float | None
    p_value: float | None
    threshold: float | None
    window_seconds: float | None
    evidence: dict[str, Any]


class DryRunInfo(BaseModel):
    """What a document would have said, tick by tick."""

    ticks: int
    silent: int = Field(description="Ticks at which it had no question: nothing served, or nothing to compare")
    healths: dict[Health, int]
    alarms: list[DryRunAlarm]
    expected_false_alarms: float = Field(description="At most, of the ticks looked at, had nothing been wrong")


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
