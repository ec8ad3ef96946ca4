"""From scores to the sums of their buckets. Pure: the same generations in any order and grouping give the same sums."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.lens import Lens
from monitors.sketch import Sketch
from registry.parameters import Defaults
from safelight.clock import bucket_start
from safelight.store.scores import GenerationScore, ScoredGeneration, Waiting
from safelight.store.sketches import SignalKey, SignalSums, SketchKey
from safelight.store.slices import ALL
from safelight.watching.samples import JUDGED_ARMS, Row, row, sample

Scored = tuple[Waiting, GenerationScore]


@dataclass(frozen=True, eq=False)
class View:
    """How a version's generations are looked at: against its defaults, and through the lenses of its baselines."""

    defaults: Defaults | None
    lenses: Sequence[tuple[UUID, Lens]]


def judged(scored: Iterable[Scored]) -> list[Scored]:
    """Only what people asked for and were served says how a version does in production."""
    return [each for each in scored if each[0].outcome == "served" and each[0].arm in JUDGED_ARMS]


def fold_signals(scored: Iterable[Scored], bucket_seconds: int) -> dict[SignalKey, SignalSums]:
    sums: dict[SignalKey, SignalSums] = {}
    for made, score in scored:
        start = bucket_start(made.created_at, bucket_seconds)
        key = SignalKey(made.generator, made.version, made.arm, score.embedder_digest, start)
        sums[key] = sums.get(key, SignalSums()) + signal_sums(score)
    return sums


def signal_sums(score: GenerationScore) -> SignalSums:
    """One image's share. A blank image counts as blank and stays out of the sums: it has no style to average."""
    if score.broken:
        return SignalSums(n=1, broken=1)
    if score.blank:
        return SignalSums(n=1, blank=1)
    alignment = score.alignment or 0.0
    return SignalSums(
        n=1,
        near_duplicates=int(score.near_duplicate_of is not None),
        alignment_sum=alignment,
        alignment_squares=alignment**2,
        sharpness_sum=score.sharpness or 0.0,
        contrast_sum=score.contrast or 0.0,
    )


def fold_sketches(
    scored: Iterable[Scored],
    views: Mapping[tuple[str, int], View],
    slices: Mapping[UUID, Sequence[str]],
    bucket_seconds: int,
) -> dict[SketchKey, Sketch]:
    """Look at each version's generations through each of its baselines' lenses: all together, and slice by slice.

    `views` are by generator and version, the names of `slices` by generation.
    """
    groups: dict[tuple[str, int, str, datetime], list[tuple[Row, Sequence[str]]]] = defaultdict(list)
    for made, score in scored:
        read = row(ScoredGeneration(score, made.prompt, made.parameters), views[made.generator, made.version].defaults)
        if read is not None:
            start = bucket_start(made.created_at, bucket_seconds)
            groups[made.generator, made.version, made.arm, start].append((read, slices.get(made.generation_id, ())))
    folded: dict[SketchKey, Sketch] = {}
    for (generator, version, arm, start), group in groups.items():
        together = sample([read for read, _ in group])
        members = _members([names for _, names in group])
        for baseline_id, lens in views[generator, version].lenses:
            features = lens.features(together)
            for name, rows in members.items():
                key = SketchKey(generator, version, arm, baseline_id, name, start)
                folded[key] = Sketch.of(features.take(rows))
    return folded


def _members(slices: Sequence[Sequence[str]]) -> dict[str, NDArray[np.intp]]:
    """The rows that are in each slice; all of them are in the one of all traffic."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, names in enumerate(slices):
        for name in names:
            rows[name].append(i)
    return {ALL: np.arange(len(slices))} | {name: np.array(each, np.intp) for name, each in rows.items()}


def merge(stored: bytes, fresh: bytes) -> bytes:
    """Add two serialised sketches of one lens."""
    return (Sketch.from_bytes(stored) + Sketch.from_bytes(fresh)).to_bytes()
