"""From generations to the counts that are kept of them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from safelight.clock import bucket_start
from safelight.recording.generation import Generation, Outcome
from safelight.store.traffic import LATENCY_CLASSES, Traffic, latency_class


def tally(generations: Iterable[Generation], bucket_seconds: int) -> list[Traffic]:
    """What each version did on each arm in each bucket of time."""
    groups: dict[tuple[str, int, str, datetime], list[Generation]] = defaultdict(list)
    for generation in generations:
        start = bucket_start(generation.created_at, bucket_seconds)
        groups[generation.generator, generation.version, generation.arm.value, start].append(generation)
    return [_traffic(*key, group) for key, group in groups.items()]


def _traffic(generator: str, version: int, arm: str, start: datetime, group: list[Generation]) -> Traffic:
    outcomes = [generation.outcome for generation in group]
    # A refusal is quick and a timeout slow: neither says how long an image takes.
    served = [generation for generation in group if generation.outcome is Outcome.SERVED]
    return Traffic(
        generator=generator,
        version=version,
        arm=arm,
        bucket_start=start,
        served=outcomes.count(Outcome.SERVED),
        filtered=outcomes.count(Outcome.FILTERED),
        failed=outcomes.count(Outcome.FAILED),
        cancelled=outcomes.count(Outcome.CANCELLED),
        latency_counts=_by_class(generation.total_ms for generation in served),
        engine_ms_sum=sum(own_engine_ms(generation) for generation in group),
        queue_counts=_by_class(generation.queue_ms for generation in served),
    )


def _by_class(durations: Iterable[float | None]) -> tuple[int, ...]:
    counts = [0] * LATENCY_CLASSES
    for milliseconds in durations:
        if milliseconds is not None:
            counts[latency_class(milliseconds)] += 1
    return tuple(counts)


def own_engine_ms(generation: Generation) -> float:
    """Images of one batch are made in the same milliseconds: each has its part of them."""
    size = generation.envelope.get("batch_size")
    return (generation.engine_ms or 0.0) / (size if isinstance(size, int) and size > 0 else 1)
