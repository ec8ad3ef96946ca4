"""What people made of their images: votes that few cast, and what nearly all betray by asking again or keeping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from monitors.binomial import at_least
from monitors.rates import MIN_GENERATIONS, RateCounts, upper_bound
from monitors.verdict import Health, Json, Reason, Verdict
from monitors.windows import Bucket, Window, dyadic_windows, spoken

TESTS = 3  # of votes, of images asked for again, of images kept
_TOLERANCE = 0.02  # share of images; less is no regression anybody would act on


@dataclass(frozen=True)
class FeedbackCounts:
    """Images by what was made of them; an image counts once for each kind, however often somebody clicked.

    `served` are all images that people got, rated or not.
    """

    served: int
    up: int
    down: int
    regenerated: int
    downloaded: int

    def __post_init__(self) -> None:
        kinds = (self.up, self.down, self.regenerated, self.downloaded)
        if min(kinds) < 0 or max(kinds) > self.served:
            raise ValueError(f"{self} cannot be: no kind of feedback is given by more images than were served")

    def __add__(self, other: FeedbackCounts) -> FeedbackCounts:
        return FeedbackCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def voted(self) -> int:
        return self.up + self.down

    def dissatisfied_bounds(self) -> tuple[float, float]:
        """Between which shares of all images that disappointed lie, whatever those who did not vote thought (Manski
        1989): none of them, or all."""
        if self.served == 0:
            return 0.0, 1.0
        return self.down / self.served, 1.0 - self.up / self.served


@dataclass(frozen=True)
class _Finding:
    window: Window[FeedbackCounts]
    counts: FeedbackCounts
    subject: str
    now: float
    before: float
    p_value: float


def feedback_decline(
    buckets: Sequence[Bucket[FeedbackCounts]],
    usual: FeedbackCounts | None,
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
) -> Verdict:
    """Whether people are less content than `usual`, beyond its uncertainty and two images in a hundred.

    Votes are biased: the angry vote more, and a new button makes everybody vote more. So votes count only where the
    share of thumbs down has risen both among all images served and among those voted on (an intersection-union test,
    Berger 1982: its p-value is the larger of the two). A livelier crowd raises only the first, a crowd of which the
    content fell silent only the second. Asking again and downloading need no vote and are tested as they are.
    """
    if usual is None or usual.served < MIN_GENERATIONS:
        summary = "There is no earlier feedback to compare with."
        return Verdict(Health.INCONCLUSIVE, Reason.NO_BASELINE, summary, threshold=alpha)
    windows = [
        (window, window.content)
        for window in dyadic_windows(buckets, width, longest, since)
        if window.content is not None and window.content.served >= MIN_GENERATIONS
    ]
    if not windows:
        return Verdict(
            Health.INCONCLUSIVE,
            Reason.TOO_FEW_GENERATIONS,
            f"Fewer than {MIN_GENERATIONS} images whose feedback is in.",
            threshold=alpha,
        )
    findings = [finding for window, counts in windows for finding in _examine(window, counts, usual)]
    worst = min(findings, key=lambda finding: (finding.p_value, finding.window.seconds))
    degraded = worst.p_value < alpha
    low, high = worst.counts.dissatisfied_bounds()
    evidence: dict[str, Json] = {
        "signal": worst.subject,
        "now": worst.now,
        "before": worst.before,
        "voted": worst.counts.voted,
        "dissatisfied_at_least": low,
        "dissatisfied_at_most": high,
    }
    return Verdict(
        Health.DEGRADED if degraded else Health.HEALTHY,
        Reason.FEEDBACK_WORSE if degraded else Reason.WITHIN_BUDGET,
        f"In the last {spoken(worst.window.seconds)} {worst.now:.1%} of images were {worst.subject}, "
        f"{worst.before:.1%} before.",
        effect=worst.now - worst.before,
        p_value=worst.p_value,
        threshold=alpha,
        window_seconds=worst.window.seconds,
        n=worst.counts.served,
        evidence=evidence,
    )


def _examine(window: Window[FeedbackCounts], now: FeedbackCounts, usual: FeedbackCounts) -> list[_Finding]:
    down = RateCounts(now.down, now.served), RateCounts(usual.down, usual.served)
    down_of_voted = RateCounts(now.down, now.voted), RateCounts(usual.down, usual.voted)
    again = RateCounts(now.regenerated, now.served), RateCounts(usual.regenerated, usual.served)
    left = (
        RateCounts(now.served - now.downloaded, now.served),
        RateCounts(usual.served - usual.downloaded, usual.served),
    )
    tested = (
        ("voted down", down, max(_rise(*down), _rise(*down_of_voted))),
        ("asked for again", again, _rise(*again)),
        ("not downloaded", left, _rise(*left)),
    )
    return [
        _Finding(window, now, subject, _share(newest), _share(before), p_value)
        for subject, (newest, before), p_value in tested
    ]


def _rise(now: RateCounts, before: RateCounts) -> float:
    """The p-value of so many events at the most that `before` and the tolerance allow for; 1 where nothing is known."""
    if now.total == 0 or before.total == 0:
        return 1.0
    return at_least(now.events, now.total, min(1.0, upper_bound(before) + _TOLERANCE))


def _share(counts: RateCounts) -> float:
    return counts.events / counts.total if counts.total else 0.0
