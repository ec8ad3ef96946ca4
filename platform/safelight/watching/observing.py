"""Reading from the store what a monitor's question rests on; every read is bounded by a range of time."""

from dataclasses import replace
from datetime import timedelta

from monitors.rates import MIN_GENERATIONS, LatencyHistogram, Rate, RateCounts
from monitors.scan import Rule
from monitors.verdict import Verdict
from safelight.store import backfills, journals, sketches, traffic
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.store.sketches import SketchRange
from safelight.store.slices import ALL
from safelight.store.totals import Totals
from safelight.store.traffic import LATENCY_BOUNDS_MS
from safelight.watching import experience, load, probed
from safelight.watching.lenses import LensCache, LensUnreadable
from safelight.watching.monitors import (
    BlankRate,
    ConditionalDrift,
    Cost,
    DeviceMemory,
    Document,
    Feedback,
    FilteredRate,
    GoodImages,
    NearDuplicates,
    Probe,
    PromptDrift,
    Queue,
    ReleaseComparison,
    ServiceHealth,
)
from safelight.watching.questions import (
    LensQuestion,
    MixQuestion,
    Question,
    RateQuestion,
    ServiceQuestion,
    Span,
    baseline_unreadable,
    embedder_changed,
    no_baseline,
    on_grid,
)
from safelight.watching.references import References
from safelight.watching.samples import SERVING_ARM
from safelight.watching.situation import Situation
from safelight.watching.sketches import SketchReader

_HEARD_OF_WITHIN = timedelta(minutes=1)
"""What a journal told longer ago says nothing of it now."""
_BOUNDS_SECONDS = tuple(bound / 1000 for bound in LATENCY_BOUNDS_MS)


def is_asked(document: Document, now: Situation) -> bool:
    """Whether a monitor has a question at all; one that has, and no baseline for it, is inconclusive.

    The comparison with its predecessor guards a release until it is accepted and has a baseline of its own; until it
    has one, there is nothing of its own to compare with.
    """
    own, previous = now.references.own, now.references.previous
    match document:
        case ReleaseComparison():
            return own is None or not (now.accepted or now.references.first)
        case ConditionalDrift() | PromptDrift():
            return own is not None or previous is None
        case FilteredRate():
            return now.before is not None and now.before.served + now.before.filtered >= MIN_GENERATIONS
        case NearDuplicates():
            return now.before is not None and now.before.scored >= MIN_GENERATIONS
        case Feedback():
            return now.before is not None and now.before.any_feedback
        case Probe():
            return now.held
        case _:
            return True


def compared_with(document: Document, known: References) -> KnownBaseline | None:
    """The baseline that a monitor holds images against; None where it has none, or asks nothing of the kind."""
    match document:
        case ConditionalDrift() | PromptDrift():
            return known.own
        case ReleaseComparison():
            return known.previous
        case BlankRate():
            return known.own or known.previous
        case _:
            return None


def against(verdict: Verdict, document: Document, known: References) -> Verdict:
    """With the version that images were held against: worse than another version was, it speaks against this one."""
    baseline = compared_with(document, known)
    if baseline is None or verdict.p_value is None:
        return verdict
    return replace(verdict, evidence={**verdict.evidence, "compared_with": baseline.version})


class Observer:
    """Turns a monitor's document into a question about what serves."""

    def __init__(self, lenses: LensCache, embedder_digest: str, feedback_ripe_after: timedelta) -> None:
        self._lenses = lenses
        self._embedder_digest = embedder_digest
        self._reader = SketchReader()
        self._feedback_ripe_after = feedback_ripe_after

    def question(self, session: Session, document: Document, now: Situation, span: Span) -> Question:
        """The monitor's question, or why it cannot be asked."""
        try:
            asked = self._asked(session, document, now, span)
        except LensUnreadable as error:
            return baseline_unreadable(error.baseline.name)
        if asked is not None:
            return asked
        if now.references.outlived:
            return embedder_changed(backfills.progress(session, now.generator, self._embedder_digest))
        return no_baseline(document.kind)

    def _asked(self, session: Session, document: Document, now: Situation, span: Span) -> Question | None:
        """None where there is no baseline to compare with."""
        usual = compared_with(document, now.references)
        match document:
            case ConditionalDrift():
                return self._lens_question(session, now, usual, Rule.ANY_CHANGE, span) if usual else None
            case ReleaseComparison():
                return self._lens_question(session, now, usual, Rule.WORSE, span) if usual else None
            case PromptDrift():
                return self._mix_question(session, now, usual, span) if usual else None
            case BlankRate():
                return self._blank_question(session, document, now, usual, span) if usual else None
            case ServiceHealth():
                return _service_question(session, document, now, span)
            case GoodImages():
                return experience.good_images(session, now, self._embedder_digest, span, document.objective)
            case Probe():
                return probed.question(session, document, now, span)
            case Queue() | Cost() | DeviceMemory():
                return load.question(session, document, now, self._embedder_digest, span)
            case FilteredRate() | NearDuplicates() | Feedback():
                return self._compared_question(session, document, now, now.before, span) if now.before else None

    def _compared_question(
        self,
        session: Session,
        document: FilteredRate | NearDuplicates | Feedback,
        now: Situation,
        before: Totals,
        span: Span,
    ) -> Question:
        match document:
            case FilteredRate():
                return experience.filtered(session, now, span, before, document.tolerance)
            case NearDuplicates():
                return experience.near_duplicates(session, now, self._embedder_digest, span, before, document.tolerance)
            case Feedback():
                return experience.feedback_given(session, now, span, before, self._feedback_ripe_after)

    def _lens_question(
        self, session: Session, now: Situation, baseline: KnownBaseline, rule: Rule, span: Span
    ) -> LensQuestion:
        lens = self._lenses.get(session, baseline)
        found = self._reader.read(session, _range(now, baseline, span))
        return LensQuestion(lens, {name: on_grid(each, span.width) for name, each in found.items()}, rule)

    def _mix_question(self, session: Session, now: Situation, baseline: KnownBaseline, span: Span) -> MixQuestion:
        lens = self._lenses.get(session, baseline)
        found = self._reader.read(session, _range(now, baseline, span), (ALL,))
        return MixQuestion(lens, on_grid(found.get(ALL, []), span.width))

    def _blank_question(
        self, session: Session, document: BlankRate, now: Situation, usual: KnownBaseline, span: Span
    ) -> RateQuestion:
        points = sketches.signals(
            session,
            now.generator,
            span.start,
            span.end,
            embedder_digest=self._embedder_digest,
            arms=(now.arm,),
            version=now.version,
        )
        # Images that cannot be read say nothing of the generator: they are not in the total.
        counts = [
            (point.bucket_start, RateCounts(point.sums.blank, point.sums.n - point.sums.broken)) for point in points
        ]
        return RateQuestion(
            Rate.BLANK, on_grid(counts, span.width), RateCounts(usual.blank, usual.n + usual.blank), document.tolerance
        )


def _range(now: Situation, baseline: KnownBaseline, span: Span) -> SketchRange:
    return SketchRange(now.generator, now.version, now.arm, baseline.id, span.start, span.end)


def _service_question(session: Session, document: ServiceHealth, now: Situation, span: Span) -> ServiceQuestion:
    recorded = traffic.between(session, now.generator, span.start, span.end)
    served = [each for each in recorded if (each.version, each.arm) == (now.version, now.arm)]
    # What a machine loses, or is about to, is asked of what serves: it is not the doing of a version that is tried.
    of_machines = now.arm == SERVING_ARM
    return ServiceQuestion(
        requests=on_grid(
            [
                (each.bucket_start, RateCounts(each.failed, each.served + each.filtered + each.failed))
                for each in served
            ],
            span.width,
        ),
        latencies=on_grid(
            [(each.bucket_start, LatencyHistogram(_BOUNDS_SECONDS, each.latency_counts)) for each in served],
            span.width,
        ),
        unlogged=on_grid([(each.bucket_start, each.unlogged) for each in served if of_machines], span.width),
        max_error_rate=document.max_error_rate,
        latency_seconds=document.latency_seconds,
        latency_quantile=document.latency_quantile,
        journals=journals.reported(session, span.end - _HEARD_OF_WITHIN, span.end + span.width + _HEARD_OF_WITHIN)
        if of_machines
        else (),
    )
