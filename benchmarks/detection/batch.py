"""Peers that compare a batch of raw embeddings with another: they are asked at the end of every hour.

A test an hour may raise one alarm in 720. A score's threshold is its mean over healthy hours plus the normal quantile
of that level times its deviation: such scores have heavier tails, so these peers are let off with more false alarms
than the rest. Of the permutation test only a p-value of 1/720 alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.detection.capped import Answer, Peer, Unanswered
from benchmarks.detection.streams import HOURS_A_MONTH, PER_HOUR, Delays
from monitors.sample import Sample

REFERENCE_ROWS = 2000
LEAST_P_VALUE = -1.5 / HOURS_A_MONTH
"""The threshold of a score that is minus a p-value of a permutation test of 720 orders: only the least one is above."""


class Hours:
    """The hours of recordings as the files that peers read, in `folder`."""

    def __init__(self, folder: Path, baseline: Sample) -> None:
        self._folder = folder
        self.reference = folder / "reference.npy"
        np.save(self.reference, baseline.images[:REFERENCE_ROWS])

    def write(self, name: str, sample: Sample, hours: int) -> list[Path]:
        paths = [self._folder / f"{name}-{hour}.npy" for hour in range(hours)]
        for hour, path in enumerate(paths):
            np.save(path, sample.images[hour * PER_HOUR : (hour + 1) * PER_HOUR])
        return paths


@dataclass(frozen=True)
class Batch:
    """A peer's process and the score above which it alarms."""

    peer: Peer
    reference: Path
    threshold: float

    def delays(self, hours: list[Path]) -> Delays | Unanswered:
        """A stream begins at each hour and wraps around; the change comes, in the peer's favour, at a full hour."""
        scores = ask(self.peer, self.reference, hours)
        return scores if isinstance(scores, Unanswered) else delays_of(scores > self.threshold)


def delays_of(alarms: NDArray[np.bool_]) -> Delays:
    streams = [np.roll(alarms, -start) for start in range(len(alarms))]
    return np.array([(each.argmax() + 1) * PER_HOUR if each.any() else np.inf for each in streams])


def calibrated(peer: Peer, reference: Path, healthy: list[Path]) -> Batch | Unanswered:
    """Also what the peer says where it cannot answer."""
    scores = ask(peer, reference, healthy)
    if isinstance(scores, Unanswered):
        return scores
    quantile = float(stats.norm.isf(1.0 / HOURS_A_MONTH))
    return Batch(peer, reference, float(scores.mean() + quantile * scores.std(ddof=1)))


def ask(peer: Peer, reference: Path, hours: list[Path]) -> Delays | Unanswered:
    scores = []
    for hour in hours:
        answer = peer.ask(reference, hour)
        if not isinstance(answer, Answer):
            return answer
        scores.append(answer.score)
    return np.array(scores)
