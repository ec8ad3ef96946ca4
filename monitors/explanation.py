"""Which generations a finding rests on: what to look at first, and what a person must see to believe it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.lens import Features
from monitors.sample import ALIGNMENT
from monitors.verdict import Reason


def contributions(features: Features, reason: Reason, tail: str | None = None) -> NDArray[np.float64]:
    """The part that each generation [n] has in a finding; parts add up to one, and some may be negative.

    Of a tail, its members have equal parts. Of a worse alignment, each has as much as it is worse. Of a change, each
    has the length of its own departure along the common one, measured in standard deviations (Mahalanobis). What the
    lens cannot judge has no part.
    """
    parts = np.zeros(len(features))
    judged = np.flatnonzero(~features.unseen)
    if len(judged):
        parts[judged] = _parts(features.take(judged), reason, tail)
    return parts


def _parts(judged: Features, reason: Reason, tail: str | None) -> NDArray[np.float64]:
    if tail in judged.lens.tail_names:
        return _normalised(judged.tails[:, judged.lens.tail_names.index(tail)].astype(np.float64))
    if reason is Reason.ALIGNMENT_DOWN:
        names = [scalar.name for scalar in judged.lens.scalars]
        return _normalised(judged.directed[:, names.index(ALIGNMENT)].astype(np.float64))
    calibration = judged.lens.calibration
    departures = (judged.values.astype(np.float64) - calibration.feature_mean) @ calibration.canonical.T
    return _normalised(departures @ departures.mean(axis=0))


def _normalised(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = float(parts.sum())
    return parts / total if total > 0 else np.zeros_like(parts)
