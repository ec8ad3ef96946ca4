"""What a comparison says, as the API answers it and reports keep it."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from monitors import estimates
from monitors.estimates import TooFew


class Part(BaseModel):
    """Base of everything in a comparison."""

    model_config = ConfigDict(frozen=True)


class Figure(Part):
    """A value with its 95 % interval; where `n` is too small to say one there is no value, and `needed` says how many
    would do. A count that is not estimated has no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    needed: int | None = None

    @classmethod
    def of(cls, figure: estimates.Figure, scale: float = 1.0) -> "Figure":
        if isinstance(figure, TooFew):
            return cls(value=None, n=figure.n, needed=figure.needed)
        return cls(value=scale * figure.value, low=scale * figure.low, high=scale * figure.high, n=figure.n)


class Side(Part):
    """One version: how many of its generations were scored in the range, and how many of them were read."""

    version: int
    n: int
    sampled: int
    prompts: int = Field(description="Different prompts among those read")
    metrics: Mapping[str, Figure]


class Space(StrEnum):
    """What is compared: the images, or the prompts people gave."""

    IMAGES = "images"
    PROMPTS = "prompts"


class Distance(Part):
    """How far two versions are apart. `unit` says what a value means; it may be a little below zero by chance."""

    name: Literal["clip_fd", "cmmd", "kid"]
    of: Space
    versions: tuple[int, int]
    figure: Figure
    unit: str


class Note(Part):
    """Something to know before believing a figure."""

    code: str
    text: str


class VersionComparison(Part):
    """Versions of one generator over the same range of time, the first being what the others are held against."""

    generator: str
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    embedder_digest: str | None
    sides: list[Side]
    distances: list[Distance]
    notes: list[Note]


class Departure(Part):
    """What the lens of a baseline says of a whole day: `effect` in standard deviations, with what may be chance."""

    baseline: str
    reason: str
    summary: str
    effect: float | None
    p_value: float | None
    prompts_moved: float | None = Field(description="Share of what is asked that has moved to other prompts")


class DayFigures(Part):
    """One day of the version that served at its end."""

    day: date
    n: int
    alignment: Figure
    broken_rate: Figure
    departure: Departure | None = Field(description="None without a baseline that this release reads")


class DayTrend(Part):
    """How a figure moves from day to day, `slope` a day; `steady` where that is no chance."""

    metric: Literal["alignment", "broken_rate", "departure"]
    slope: Figure
    p_value: float
    steady: bool


class DaysApart(Part):
    """How far the day's images and prompts are from those of an earlier day (CMMD)."""

    days: int
    images: Figure
    prompts: Figure


class DailyReport(Part):
    """A day beside the baseline and the days before it. It informs; it never alarms."""

    generator: str
    version: int
    days: list[DayFigures] = Field(description="The newest first, of the same version")
    trends: list[DayTrend]
    apart: list[DaysApart]
    summary: str
