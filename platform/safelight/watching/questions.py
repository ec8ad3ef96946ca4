"""What the monitors ask, with all that is needed to answer. Pure: an answer depends on nothing but the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from monitors.lens import Lens
from monitors.mix import prompt_drift
from monitors.rates import LatencyHistogram, RateCounts, blank_rate, error_rate, latency
from monitors.scan import Rule, scan
from monitors.sketch import Sketch
from monitors.verdict import Health, Reason, Verdict, combine
from monitors.windows import Bucket, Mergeable
from safelight.clock import bucket_start

T = TypeVar("T", bound=Mergeable)
_RECENT_BUCKETS = 5
"""How long a loss is held against the service after it has ended."""


@dataclass(frozen=True)
class Span:
    """The stretch of time an answer may rest on: buckets that start in [start, end)."""

    start: datetime
    end: datetime
    width: timedelta

    @property
    def length(self) -> timedelta:
        return max(self.end - self.start, self.width)

    def buckets(self, contents: Mapping[datetime, T]) -> list[Bucket[T]]:
        """Consecutive buckets from `start`, which lies on the grid; None where nothing was recorded."""
        count = max(0, (self.end - self.start) // self.width)
        starts = (self.start + i * self.width for i in range(count))
        return [Bucket(start, contents.get(start)) for start in starts]


class Question(Protocol):
    """One monitor's question."""

    def answer(self, span: Span, alpha: float) -> Verdict:
        """What the recorded buckets within `span` say when each comparison is made at level `alpha`."""
        ...


@dataclass(frozen=True)
class LensQuestion:
    """Do images, given their prompts, look as the lens expects?"""

    lens: Lens
    sketches: Mapping[datetime, Sketch]
    rule: Rule

    def answer(self, span: Span, alpha: float) -> Verdict:
        return scan(
            self.lens, span.buckets(self.sketches), alpha=alpha, width=span.width, longest=span.length, rule=self.rule
        )


@dataclass(frozen=True)
class MixQuestion:
    """Do people ask for what they asked for?"""

    lens: Lens
    sketches: Mapping[datetime, Sketch]

    def answer(self, span: Span, alpha: float) -> Verdict:
        return prompt_drift(self.lens, span.buckets(self.sketches), alpha=alpha, width=span.width, longest=span.length)


@dataclass(frozen=True)
class BlankQuestion:
    """Are more images blank than usual?"""

    counts: Mapping[datetime, RateCounts]
    usual: RateCounts
    tolerance: float

    def answer(self, span: Span, alpha: float) -> Verdict:
        return blank_rate(
            span.buckets(self.counts),
            self.usual,
            alpha=alpha,
            width=span.width,
            longest=span.length,
            tolerance=self.tolerance,
        )


@dataclass(frozen=True)
class ServiceQuestion:
    """Do requests fail, or take too long? Is what was served on record?"""

    requests: Mapping[datetime, RateCounts]
    latencies: Mapping[datetime, LatencyHistogram]
    unlogged: Mapping[datetime, int]
    max_error_rate: float
    latency_seconds: float
    latency_quantile: float

    def answer(self, span: Span, alpha: float) -> Verdict:
        failures = error_rate(
            span.buckets(self.requests), self.max_error_rate, alpha=alpha, width=span.width, longest=span.length
        )
        slowness = latency(
            span.buckets(self.latencies),
            self.latency_seconds,
            alpha=alpha,
            width=span.width,
            longest=span.length,
            quantile=self.latency_quantile,
        )
        losses = unlogged(sum(bucket.content or 0 for bucket in span.buckets(self.unlogged)[-_RECENT_BUCKETS:]))
        return combine([failures, slowness, *losses])


def unlogged(count: int) -> list[Verdict]:
    """A single generation that was served off the record is one too many, and none is no news."""
    if count == 0:
        return []
    summary = f"{count} generations were just served unlogged: the journal could not write. Look at its disk."
    return [Verdict(Health.DEGRADED, Reason.UNLOGGED, summary, effect=float(count), n=count)]


def on_grid(recorded: Sequence[tuple[datetime, T]], width: timedelta) -> dict[datetime, T]:
    """Add up what was recorded in finer buckets than `width`, or before the width was changed."""
    contents: dict[datetime, T] = {}
    for moment, content in recorded:
        start = bucket_start(moment, int(width.total_seconds()))
        contents[start] = contents[start] + content if start in contents else content
    return contents
