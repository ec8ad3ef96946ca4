"""A chart of a signal over time, as shapes in a box of 1000 by 100: it stretches, and its words stand beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

WIDTH, HEIGHT = 1000.0, 100.0
_MARGIN = 0.08


@dataclass(frozen=True)
class Sighting:
    """A value at a time, of one version."""

    at: datetime
    version: int
    value: float | None
    n: int


@dataclass(frozen=True)
class Span:
    """A stretch of time; `left` and `width` as shares of the chart's."""

    left: float
    width: float


@dataclass(frozen=True)
class Chart:
    """`lines` are the points of a polyline by version; `bars` the path of what was made; `low` and `high` the edges."""

    start: datetime
    end: datetime
    low: float
    high: float
    most: int
    lines: dict[int, list[str]]
    bars: str


def chart(sightings: Sequence[Sighting]) -> Chart:
    """At least one sighting, the oldest first. A line breaks where nothing was made for long."""
    start, end = sightings[0].at, sightings[-1].at
    values = [each.value for each in sightings if each.value is not None] or [0.0]
    pad = (max(values) - min(values)) * _MARGIN or 0.01
    low, high = min(values) - pad, max(values) + pad
    most = max(each.n for each in sightings)
    step = _step(sightings)
    lines: dict[int, list[str]] = {}
    before: dict[int, datetime] = {}
    bars = []
    for each in sightings:
        x = WIDTH * share(each.at, start, end)
        bars.append(f"M{x:.1f} {HEIGHT:g}V{HEIGHT - HEIGHT * each.n / most:.1f}")
        if each.value is None:
            continue
        pieces = lines.setdefault(each.version, [])
        if each.version not in before or each.at - before[each.version] > 3 * step:
            pieces.append("")
        y = HEIGHT * (high - each.value) / (high - low)
        pieces[-1] = f"{pieces[-1]} {x:.1f},{y:.1f}".strip()
        before[each.version] = each.at
    return Chart(start, end, low, high, most, lines, "".join(bars))


def span(first: datetime, last: datetime, whole: Chart) -> Span:
    """Where a stretch of time lies on a chart; never too narrow to be seen."""
    left = share(first, whole.start, whole.end)
    return Span(min(left, 0.995), max(share(last, whole.start, whole.end) - left, 0.005))


def share(moment: datetime, start: datetime, end: datetime) -> float:
    """How far a moment lies between two others, from 0 to 1."""
    if end <= start:
        return 0.0
    return min(1.0, max(0.0, (moment - start) / (end - start)))


def _step(sightings: Sequence[Sighting]) -> timedelta:
    times = sorted({each.at for each in sightings})
    return min((b - a for a, b in pairwise(times)), default=timedelta(days=1))
