"""What a backtest found, as a document: the page shows it, and other programs read it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from monitors.verdict import Health


class Part(BaseModel):
    """Base of everything in the report."""

    model_config = ConfigDict(frozen=True)


class Shown(Part):
    """A generation to look at. `surprise` says in robust standard deviations how odd it is for its prompt."""

    name: str
    at: datetime
    prompt: str
    alignment: float | None
    surprise: float | None
    blank: bool
    thumbnail: bytes = Field(exclude=True, repr=False)


class PromptGroup(Part):
    """Requests that resemble each other, and how far their images are off."""

    words: tuple[str, ...]
    share: float
    effect: float


class Finding(Part):
    """What one monitor said at its clearest."""

    monitor: str
    at: datetime
    reason: str
    summary: str
    window_seconds: float | None
    n: int
    effect: float | None
    p_value: float | None
    threshold: float | None
    signals: list[dict[str, Any]]
    slice: str | None


class AlarmReport(Part):
    """One incident, as it would have been opened."""

    version: int
    raised_at: datetime
    last_at: datetime
    ticks: int
    generations_until: int = Field(description="Generations of this version replayed before the alarm was raised")
    findings: list[Finding]
    prompts: list[PromptGroup]
    worst: list[Shown]


class SliceSight(Part):
    """The smallest regression that would have been seen: the median over the replay, of windows of that length."""

    slice: str
    window_seconds: float
    n: int
    effect: float
    broken_share: float | None


class Point(Part):
    """What was made in a stretch of time."""

    at: datetime
    version: int
    n: int
    alignment: float | None
    blank: int


class BacktestReport(Part):
    """Everything that is said about one replay."""

    safelight: str
    source: str
    embedder_digest: str
    made_at: datetime
    start: datetime
    end: datetime
    times_made_up: bool
    generations: int
    blank: int
    not_served: int
    rejected: dict[str, int]
    fit_until: datetime
    fitted_on: int
    versions: list[int]
    width_seconds: float
    ticks: int
    days_replayed: float
    false_alarms_per_month: float
    false_alarms_expected: float = Field(description="At most, in the days that were replayed")
    answers: dict[str, dict[Health, int]]
    undecided: dict[str, int] = Field(description="Why the lens could not answer, by reason")
    alarms: list[AlarmReport]
    prompt_drifts: list[AlarmReport]
    sights: list[SliceSight]
    series: list[Point]
