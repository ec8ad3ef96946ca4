"""What the monitors ask, with all that is needed to answer. Pure: an answer depends on nothing but the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, reduce
from itertools import accumulate
from types import MappingProxyType
from typing import Protocol, TypeVar

from monitors.lens import Lens
from monitors.mix import prompt_drift
from monitors.rates import LatencyHistogram, Rate, RateCounts, above_usual, error_rate, latency
from monitors.scan import MIN_GENERATIONS, Rule, scan
from monitors.sketch import Sketch
from monitors.verdict import Health, Reason, Verdict, combine
from monitors.windows import Bucket, Mergeable
from safelight.clock import bucket_start
from safelight.store.journals import ALARMING_FILL, JournalReport
from safelight.store.slices import ALL
from safelight.watching.attribution import SlicedVerdict, attribute

T = TypeVar("T", bound=Mergeable)
_NOTHING: Mapping[datetime, Sketch] = MappingProxyType({})
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
class Unanswerable:
    """A question that cannot be answered, whatever was recorded, and why."""

    verdict: Verdict

    def answer(self, span: Span, alpha: float) -> Verdict:  # noqa: ARG002 - a Question's signature
        return self.verdict


NOTHING_TO_COMPARE = frozenset(
    {Reason.NO_BASELINE, Reason.EMBEDDER_CHANGED, Reason.BASELINE_UNREADABLE, Reason.PROBES_MISSING}
)
"""Reasons that speak of what is missing, and not of what was served."""


def no_baseline(asked: str) -> Unanswerable:
    return _inconclusive(
        Reason.NO_BASELINE,
        f"There is no baseline for {asked.replace('_', ' ')} to compare with. Make one of an accepted version.",
    )


def embedder_changed(done: float | None) -> Unanswerable:
    """`done` is the share of the stored images that were scored anew; None where nobody asked for that."""
    todo = "Score the stored images anew (safelight backfill)" if done is None else f"{done:.0%} are re-scored"
    return _inconclusive(
        Reason.EMBEDDER_CHANGED,
        f"The embedder has changed since the baseline was made, and two embedders are never compared. {todo}; then "
        "make a baseline.",
    )


def baseline_unreadable(name: str) -> Unanswerable:
    return _inconclusive(
        Reason.BASELINE_UNREADABLE,
        f"The baseline {name} was made by another release, and this one cannot read it. Make the baseline anew.",
    )


def _inconclusive(reason: Reason, summary: str) -> Unanswerable:
    return Unanswerable(Verdict(Health.INCONCLUSIVE, reason, summary))


@dataclass(frozen=True)
class LensQuestion:
    """Do images, given their prompts, look as the lens expects? Asked of all traffic and of each of its slices."""

    lens: Lens
    sketches: Mapping[str, Mapping[datetime, Sketch]]
    rule: Rule

    def answer(self, span: Span, alpha: float) -> Verdict:
        return self.by_slice(span, alpha).verdict

    def by_slice(self, span: Span, alpha: float) -> SlicedVerdict:
        """All traffic is tested at half of `alpha`, the slices at equal parts of the other half.

        Which slices are tested is decided by how many generations they hold, never by what these show: each tick
        spends `alpha`, and no more, however many slices there are.
        """
        sizes = {name: self._size(name, span) for name in self.sketches}
        alone = [name for name, n in sizes.items() if name != ALL and MIN_GENERATIONS <= n < sizes.get(ALL, 0)]
        part = alpha / 2 if alone else alpha
        whole = self.scan(self.sketches.get(ALL, {}), span, part)
        found = {name: self.scan(self.sketches[name], span, part / len(alone)) for name in sorted(alone)}
        return SlicedVerdict(attribute(whole, found, sizes, _Remainders(self, span, part)), {ALL: whole, **found})

    def scan(self, sketches: Mapping[datetime, Sketch], span: Span, alpha: float) -> Verdict:
        return scan(
            self.lens, span.buckets(sketches), alpha=alpha, width=span.width, longest=span.length, rule=self.rule
        )

    @cached_property
    def _sizes(self) -> Mapping[str, Mapping[datetime, int]]:
        return {name: {at: int(each.n) for at, each in buckets.items()} for name, buckets in self.sketches.items()}

    def _size(self, name: str, span: Span) -> int:
        return sum(n for at, n in self._sizes[name].items() if span.start <= at < span.end)


@dataclass(frozen=True)
class _Remainders:
    """What a lens question finds of parts of its traffic. This decides whom an alarm is about, never whether there is
    one: it costs nothing of the budget."""

    question: LensQuestion
    span: Span
    alpha: float

    def together(self, names: Sequence[str]) -> Verdict:
        sketches = reduce(added, (self.question.sketches[name] for name in names), _NOTHING)
        return self.question.scan(sketches, self.span, self.alpha)

    def without_each(self, names: Sequence[str]) -> dict[str, Verdict]:
        parts = [self.question.sketches[name] for name in names]
        # What lies before a slice and what lies after it: three additions a slice, instead of one for each pair.
        before = list(accumulate(parts, added, initial=_NOTHING))
        after = list(accumulate(reversed(parts), added, initial=_NOTHING))[::-1]
        return {
            name: self.question.scan(added(before[i], after[i + 1]), self.span, self.alpha)
            for i, name in enumerate(names)
        }


@dataclass(frozen=True)
class MixQuestion:
    """Do people ask for what they asked for?"""

    lens: Lens
    sketches: Mapping[datetime, Sketch]

    def answer(self, span: Span, alpha: float) -> Verdict:
        return prompt_drift(self.lens, span.buckets(self.sketches), alpha=alpha, width=span.width, longest=span.length)


@dataclass(frozen=True)
class RateQuestion:
    """Is something more frequent than usual?"""

    rate: Rate
    counts: Mapping[datetime, RateCounts]
    usual: RateCounts
    tolerance: float

    def answer(self, span: Span, alpha: float) -> Verdict:
        return above_usual(
            self.rate,
            span.buckets(self.counts),
            self.usual,
            self.tolerance,
            alpha=alpha,
            width=span.width,
            longest=span.length,
        )


@dataclass(frozen=True)
class ServiceQuestion:
    """Do requests fail, or take too long? Is what was served on record, and will it be?"""

    requests: Mapping[datetime, RateCounts]
    latencies: Mapping[datetime, LatencyHistogram]
    unlogged: Mapping[datetime, int]
    max_error_rate: float
    latency_seconds: float
    latency_quantile: float
    journals: Sequence[JournalReport] = ()

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
        return combine([failures, slowness, *losses, *filling(self.journals)])


def unlogged(count: int) -> list[Verdict]:
    """A single generation that was served off the record is one too many, and none is no news."""
    if count == 0:
        return []
    summary = f"{count} generations were just served unlogged: the journal could not write. Look at its disk."
    return [Verdict(Health.DEGRADED, Reason.UNLOGGED, summary, effect=float(count), n=count)]


def filling(journals: Sequence[JournalReport]) -> list[Verdict]:
    """A journal that is half full is told of while there is time; those that are emptied as usual are no news."""
    fullest = max(journals, key=lambda journal: journal.fill, default=None)
    if fullest is None or fullest.fill < ALARMING_FILL:
        return []
    summary = (
        f"The journal {fullest.name} is {fullest.fill:.0%} full: {fullest.entries} generations wait to be shipped. "
        "Does the image store answer, and has the disk room?"
    )
    return [Verdict(Health.DEGRADED, Reason.JOURNAL_FILLING, summary, effect=fullest.fill, n=fullest.entries)]


def added(first: Mapping[datetime, T], second: Mapping[datetime, T]) -> Mapping[datetime, T]:
    """What two parts recorded, bucket by bucket."""
    return {**first, **second} | {moment: first[moment] + second[moment] for moment in first.keys() & second.keys()}


def on_grid(recorded: Sequence[tuple[datetime, T]], width: timedelta) -> dict[datetime, T]:
    """Add up what was recorded in finer buckets than `width`, or before the width was changed."""
    contents: dict[datetime, T] = {}
    for moment, content in recorded:
        start = bucket_start(moment, int(width.total_seconds()))
        contents[start] = contents[start] + content if start in contents else content
    return contents
