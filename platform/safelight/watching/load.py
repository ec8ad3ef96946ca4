"""Questions about how loaded the engines are and what an image costs. They inform: none of it is a version's fault
beyond doubt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.rates import MIN_GENERATIONS, LatencyHistogram, queueing
from monitors.verdict import Health, Json, Reason, Verdict
from safelight.store import engines, traffic
from safelight.store.database import Session
from safelight.store.engines import KnownEngine
from safelight.store.totals import Totals, totals
from safelight.store.traffic import LATENCY_BOUNDS_MS
from safelight.watching.monitors import Cost, DeviceMemory, Queue
from safelight.watching.questions import Question, Span, on_grid
from safelight.watching.situation import Situation

_ALIVE = timedelta(seconds=10)
"""An engine that was last heard of before says nothing of now."""
_BOUNDS_SECONDS = tuple(bound / 1000 for bound in LATENCY_BOUNDS_MS)


@dataclass(frozen=True)
class QueueQuestion:
    """Do requests wait too long? `served` counts all, also those of which nobody said how long they waited."""

    waits: Mapping[datetime, LatencyHistogram]
    served: int
    wait_seconds: float
    wait_quantile: float

    def answer(self, span: Span, alpha: float) -> Verdict:
        if self.served and not any(each.total for each in self.waits.values()):
            return _untold("how long requests wait for an engine (queue_ms)", self.served)
        return queueing(
            span.buckets(self.waits),
            self.wait_seconds,
            alpha=alpha,
            width=span.width,
            longest=span.length,
            quantile=self.wait_quantile,
        )


@dataclass(frozen=True)
class CostQuestion:
    """Does an accepted image take more of an engine's time than before the release?"""

    now: Totals
    before: Totals | None
    tolerance: float

    def answer(self, span: Span, alpha: float) -> Verdict:  # noqa: ARG002 - a cost is counted, not estimated
        now, before = self.now, self.before
        if now.accepted < MIN_GENERATIONS:
            summary = f"Only {now.accepted} accepted images to share a cost; at least {MIN_GENERATIONS} are needed."
            return Verdict(Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, summary, n=now.accepted)
        if not now.engine_ms:
            return _untold("how long an engine works on an image (engine_ms)", now.served)
        each, accepted = _seconds(now, now.served), _seconds(now, now.accepted)
        evidence: dict[str, Json] = {
            "engine_seconds_per_image": each,
            "engine_seconds_per_accepted_image": accepted,
            "feedback": now.any_feedback,
        }
        costs = f"An image takes {each:.3g} s of an engine's time, an accepted one {accepted:.3g} s"
        if not now.any_feedback:
            costs += "; nobody has given feedback, so that every image that shows something counts as accepted"
        window = span.length.total_seconds()
        if before is None or before.accepted < MIN_GENERATIONS or not before.engine_ms:
            summary = f"{costs}. There is nothing from before the release to compare it with."
            return Verdict(
                Health.INCONCLUSIVE,
                Reason.NO_BASELINE,
                summary,
                window_seconds=window,
                n=now.accepted,
                evidence=evidence,
            )
        usual = _seconds(before, before.accepted)
        effect = accepted / usual - 1
        degraded = effect > self.tolerance
        return Verdict(
            Health.DEGRADED if degraded else Health.HEALTHY,
            Reason.COST_UP if degraded else Reason.WITHIN_BUDGET,
            f"{costs}; before the release it was {usual:.3g} s ({effect:+.0%}, {self.tolerance:.0%} is no news).",
            effect=effect,
            window_seconds=window,
            n=now.accepted,
            evidence=evidence | {"usual": usual},
        )


@dataclass(frozen=True)
class DeviceMemoryQuestion:
    """Is a device of the engines that serve nearly full?"""

    engines: Sequence[KnownEngine]
    max_share: float

    def answer(self, span: Span, alpha: float) -> Verdict:  # noqa: ARG002 - a measurement, not an estimate
        if not self.engines:
            summary = "No engine of this installation serves the version: its device's memory is not known here."
            return Verdict(Health.INCONCLUSIVE, Reason.NO_DEVICE, summary)
        shares = {each: share for each in self.engines if (share := _share(each)) is not None}
        if not shares:
            summary = "The engines run without a GPU: there is no device memory to run short of."
            return Verdict(Health.INCONCLUSIVE, Reason.NO_DEVICE, summary, n=len(self.engines))
        fullest = max(shares, key=lambda each: shares[each])
        share = shares[fullest]
        short = share > self.max_share
        return Verdict(
            Health.DEGRADED if short else Health.HEALTHY,
            Reason.DEVICE_MEMORY_SHORT if short else Reason.WITHIN_BUDGET,
            f"Of the device memory on {fullest.host} {share:.0%} is taken, {'more than' if short else 'within'} the "
            f"{self.max_share:.0%} allowed.",
            effect=share - self.max_share,
            n=len(shares),
            evidence={"shares": {str(each.id): round(value, 4) for each, value in shares.items()}},
        )


def question(
    session: Session, document: Queue | Cost | DeviceMemory, now: Situation, embedder_digest: str, span: Span
) -> Question:
    match document:
        case Queue():
            return _queue(session, document, now, span)
        case Cost():
            found = totals(session, now.generator, now.version, now.arm, embedder_digest, span.start, span.end)
            return CostQuestion(found, now.before, document.tolerance)
        case DeviceMemory():
            alive = engines.ready(session, span.end - _ALIVE)
            serving = [each for each in alive if (each.generator, each.version) == (now.generator, now.version)]
            return DeviceMemoryQuestion(serving, document.max_share)


def _queue(session: Session, document: Queue, now: Situation, span: Span) -> QueueQuestion:
    recorded = traffic.between(session, now.generator, span.start, span.end)
    served = [each for each in recorded if (each.version, each.arm) == (now.version, now.arm)]
    waits = [(each.bucket_start, LatencyHistogram(_BOUNDS_SECONDS, each.queue_counts)) for each in served]
    images = sum(each.served for each in served)
    return QueueQuestion(on_grid(waits, span.width), images, document.wait_seconds, document.wait_quantile)


def _untold(what: str, served: int) -> Verdict:
    summary = f"Whoever makes these images does not say {what}."
    return Verdict(Health.INCONCLUSIVE, Reason.NOT_REPORTED, summary, n=served)


def _seconds(counted: Totals, images: int) -> float:
    return counted.engine_ms / 1000 / images


def _share(engine: KnownEngine) -> float | None:
    if engine.memory_used is None or not engine.memory_total:
        return None
    return engine.memory_used / engine.memory_total
