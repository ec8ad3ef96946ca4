"""Questions about what people got and what they made of it: good images, withheld ones, look-alikes, feedback."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.feedback import FeedbackCounts, feedback_decline
from monitors.rates import Rate, RateCounts
from monitors.slo import WINDOWS, burn_rate
from monitors.verdict import Verdict
from safelight.store import feedback, sketches, traffic
from safelight.store.database import Session
from safelight.store.totals import Totals, totals
from safelight.watching.questions import RateQuestion, Span, on_grid
from safelight.watching.situation import Situation


@dataclass(frozen=True)
class GoodImagesQuestion:
    """Are enough images good?"""

    bad: Mapping[timedelta, RateCounts]
    objective: float

    def answer(self, span: Span, alpha: float) -> Verdict:  # noqa: ARG002 - its windows are fixed by the burn rules
        return burn_rate(self.bad, self.objective, alpha=alpha)


@dataclass(frozen=True)
class FeedbackQuestion:
    """Are people less content than before the release? Only of images whose feedback is in."""

    counts: Mapping[datetime, FeedbackCounts]
    usual: FeedbackCounts
    ripe_after: timedelta

    def answer(self, span: Span, alpha: float) -> Verdict:
        ripe = Span(span.start, span.end - self.ripe_after, span.width)
        return feedback_decline(
            ripe.buckets(self.counts), self.usual, alpha=alpha, width=span.width, longest=span.length
        )


def good_images(
    session: Session, now: Situation, embedder_digest: str, span: Span, objective: float
) -> GoodImagesQuestion:
    """An image is not good when it failed, shows nothing or cannot be read."""
    bad = {}
    for window in WINDOWS:
        since = max(span.start, span.end - window)
        found = totals(session, now.generator, now.version, now.arm, embedder_digest, since, span.end)
        # What was scored may have been counted as served in a bucket that lies before the cut.
        asked = max(found.served, found.scored) + found.failed
        bad[window] = RateCounts(found.failed + found.blank + found.broken, asked)
    return GoodImagesQuestion(bad, objective)


def filtered(session: Session, now: Situation, span: Span, usual: Totals, tolerance: float) -> RateQuestion:
    recorded = traffic.between(session, now.generator, span.start, span.end)
    counts = [
        (each.bucket_start, RateCounts(each.filtered, each.served + each.filtered))
        for each in recorded
        if (each.version, each.arm) == (now.version, now.arm)
    ]
    before_release = RateCounts(usual.filtered, usual.served + usual.filtered)
    return RateQuestion(Rate.FILTERED, on_grid(counts, span.width), before_release, tolerance)


def near_duplicates(
    session: Session, now: Situation, embedder_digest: str, span: Span, usual: Totals, tolerance: float
) -> RateQuestion:
    points = sketches.signals(
        session,
        now.generator,
        span.start,
        span.end,
        embedder_digest=embedder_digest,
        arms=(now.arm,),
        version=now.version,
    )
    counts = [
        (point.bucket_start, RateCounts(point.sums.near_duplicates, point.sums.n - point.sums.broken))
        for point in points
    ]
    before_release = RateCounts(usual.near_duplicates, usual.scored - usual.broken)
    return RateQuestion(Rate.NEAR_DUPLICATE, on_grid(counts, span.width), before_release, tolerance)


def feedback_given(
    session: Session, now: Situation, span: Span, usual: Totals, ripe_after: timedelta
) -> FeedbackQuestion:
    # In this order: what is rolled up between the two reads then lacks some feedback, and never some images.
    given = {
        each.bucket_start: each
        for each in feedback.between(session, now.generator, now.version, now.arm, span.start, span.end)
    }
    served = {
        each.bucket_start: each.served
        for each in traffic.between(session, now.generator, span.start, span.end)
        if (each.version, each.arm) == (now.version, now.arm)
    }
    counts = [(start, _counts(images, given.get(start))) for start, images in served.items()]
    before_release = FeedbackCounts(usual.served, usual.up, usual.down, usual.regenerated, usual.downloaded)
    return FeedbackQuestion(on_grid(counts, span.width), before_release, ripe_after)


def _counts(served: int, given: feedback.FeedbackPoint | None) -> FeedbackCounts:
    if given is None:
        return FeedbackCounts(served, 0, 0, 0, 0)
    return FeedbackCounts(served, given.up, given.down, given.regenerated, given.downloaded)
