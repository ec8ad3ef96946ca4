"""Monitors of plain rates: blank, withheld, duplicated, failed, slow. Exact binomial tests over dyadic windows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from scipy import special

from monitors.binomial import at_least
from monitors.verdict import Health, Reason, Verdict
from monitors.windows import Bucket, dyadic_windows, spoken

MIN_GENERATIONS = 30
_CONFIDENCE = 1e-4  # chance that a baseline's true rate lies above its upper bound


@dataclass(frozen=True)
class RateCounts:
    events: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.total:
            raise ValueError(f"{self.events} events of {self.total} cannot be")

    def __add__(self, other: RateCounts) -> RateCounts:
        return RateCounts(self.events + other.events, self.total + other.total)


@dataclass(frozen=True)
class LatencyHistogram:
    """Requests by duration: `counts[i]` took at most `bounds[i]` seconds (and more than the bound before), the last
    count more than every bound. Percentiles do not merge, histograms do."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in itertools.pairwise(self.bounds))
        if not rising or len(self.counts) != len(self.bounds) + 1:
            raise ValueError("a histogram needs rising bounds and one count more than bounds")
        if min(self.counts) < 0:
            raise ValueError("counts cannot be negative")

    @property
    def total(self) -> int:
        return sum(self.counts)

    def __add__(self, other: LatencyHistogram) -> LatencyHistogram:
        if self.bounds != other.bounds:
            raise ValueError("histograms with different bounds do not merge")
        return LatencyHistogram(self.bounds, tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def slower_than(self, seconds: float) -> RateCounts:
        """Requests known to have taken longer; those in the bound's own class get the benefit of the doubt."""
        lower = (0.0, *self.bounds)
        return RateCounts(sum(c for low, c in zip(lower, self.counts, strict=True) if low >= seconds), self.total)

    def quantile_bound(self, q: float) -> float | None:
        """The smallest bound that at least a share `q` of the requests kept; None where none did, or of no requests."""
        seen = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            if seen and seen >= q * self.total:
                return bound
        return None


@dataclass(frozen=True)
class _Question:
    limit: float
    reason: Reason
    subject: str


class Rate(Enum):
    """A share of images that has no limit of its own: it is held against what was usual."""

    BLANK = Reason.BLANK_RATE_UP, "blank images"
    FILTERED = Reason.FILTERED_RATE_UP, "images withheld by the safety filter"
    NEAR_DUPLICATE = Reason.NEAR_DUPLICATES_UP, "near-duplicates of other requests' images"


def above_usual(
    rate: Rate,
    buckets: Sequence[Bucket[RateCounts]],
    usual: RateCounts | None,
    tolerance: float,
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
) -> Verdict:
    """Whether a rate is higher than usual, beyond the uncertainty of what is usual and `tolerance`."""
    reason, subject = rate.value
    if usual is None or usual.total == 0:
        summary = f"There is no baseline to compare the share of {subject} with."
        return Verdict(Health.INCONCLUSIVE, Reason.NO_BASELINE, summary)
    question = _Question(upper_bound(usual) + tolerance, reason, subject)
    return _worst_window(buckets, question, alpha, width, longest, since)


def error_rate(
    buckets: Sequence[Bucket[RateCounts]],
    target: float,
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
) -> Verdict:
    """Whether more requests fail than the share `target` allows."""
    question = _Question(target, Reason.ERROR_RATE_UP, "failed requests")
    return _worst_window(buckets, question, alpha, width, longest, since)


def latency(
    buckets: Sequence[Bucket[LatencyHistogram]],
    limit_seconds: float,
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
    quantile: float = 0.95,
) -> Verdict:
    """Whether the latency quantile lies above the limit: whether more than 1 - quantile of the requests took longer."""
    question = _Question(1.0 - quantile, Reason.LATENCY_UP, f"requests slower than {limit_seconds:g} s")
    return _worst_window(_slower(buckets, limit_seconds), question, alpha, width, longest, since)


def queueing(
    buckets: Sequence[Bucket[LatencyHistogram]],
    limit_seconds: float,
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
    quantile: float = 0.95,
) -> Verdict:
    """Whether more than 1 - quantile of the requests waited longer than the limit before an engine took them."""
    question = _Question(
        1.0 - quantile, Reason.QUEUE_UP, f"requests that waited over {limit_seconds:g} s for an engine"
    )
    return _worst_window(_slower(buckets, limit_seconds), question, alpha, width, longest, since)


def _slower(buckets: Sequence[Bucket[LatencyHistogram]], limit_seconds: float) -> list[Bucket[RateCounts]]:
    return [Bucket(b.start, None if b.content is None else b.content.slower_than(limit_seconds)) for b in buckets]


def upper_bound(counts: RateCounts, confidence: float = _CONFIDENCE) -> float:
    """Clopper-Pearson: the true rate is higher in a share `confidence` of all baselines only."""
    if counts.events == counts.total:
        return 1.0
    return float(special.betaincinv(counts.events + 1, counts.total - counts.events, 1.0 - confidence))


def _worst_window(
    buckets: Sequence[Bucket[RateCounts]],
    question: _Question,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None,
) -> Verdict:
    windows = [w for w in dyadic_windows(buckets, width, longest, since) if w.content is not None]
    judged = [(w, w.content) for w in windows if w.content is not None and w.content.total >= MIN_GENERATIONS]
    if not judged:
        seen = max((w.content.total for w in windows if w.content is not None), default=0)
        return Verdict(
            Health.INCONCLUSIVE,
            Reason.TOO_FEW_GENERATIONS,
            f"Only {seen} generations to judge {question.subject} by; at least {MIN_GENERATIONS} are needed.",
            threshold=alpha,
            n=seen,
        )
    tested = [(at_least(counts.events, counts.total, question.limit), window, counts) for window, counts in judged]
    p_value, window, counts = min(tested, key=lambda entry: (entry[0], entry[1].seconds))
    rate = counts.events / counts.total
    degraded = p_value < alpha
    shape = "more than" if degraded else "within"
    return Verdict(
        Health.DEGRADED if degraded else Health.HEALTHY,
        question.reason if degraded else Reason.WITHIN_BUDGET,
        f"In the last {spoken(window.seconds)} {rate:.2%} of {counts.total} generations were {question.subject}, "
        f"{shape} the {question.limit:.2%} allowed.",
        effect=rate - question.limit,
        p_value=p_value,
        threshold=alpha,
        window_seconds=window.seconds,
        n=counts.total,
        evidence={"events": counts.events, "rate": rate, "limit": question.limit},
    )
