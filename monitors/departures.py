"""For which prompts images depart from the baseline: an alarm broken down by clusters of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitors.hypotheses import strongest
from monitors.lens import Features, Lens
from monitors.verdict import Json

_FEWEST = 5  # generations of a cluster: fewer say nothing of it


@dataclass(frozen=True)
class ClusterDeparture:
    """`effect` is the mean departure in standard deviations (Mahalanobis, less what chance gives); `tail_share` the
    share of its generations that lie among the oddest one in a hundred; `signals` the features that moved most."""

    cluster: int
    n: int
    share: float
    usual_share: float
    effect: float
    tail_share: float
    signals: Sequence[Json]


def cluster_departures(lens: Lens, features: Features) -> list[ClusterDeparture]:
    """The clusters that these generations fall into, those that depart most beyond doubt first."""
    judged = np.flatnonzero(~features.unseen)
    cluster = features.cluster[judged]
    calibration = lens.calibration
    difference = features.values[judged].astype(np.float64) - calibration.feature_mean
    odd = _oddest(features)[judged]
    found = []
    for number in np.unique(cluster):
        members = cluster == number
        n = int(members.sum())
        if n < _FEWEST:
            continue
        mean = difference[members].mean(axis=0)
        error = 1.0 / n + 1.0 / (float(calibration.cluster_counts[number]) + calibration.shrinkage)
        squared = float(((calibration.canonical @ mean) ** 2).sum())
        departure = ClusterDeparture(
            cluster=int(number),
            n=n,
            share=n / len(cluster),
            usual_share=float(calibration.cluster_counts[number] / calibration.size),
            effect=float(np.sqrt(max(0.0, squared - len(mean) * error))),
            tail_share=float(odd[members].mean()),
            signals=strongest(lens.feature_names, mean / calibration.feature_deviation),
        )
        found.append((squared / error, departure))
    return [departure for _, departure in sorted(found, key=lambda each: -each[0])]


def _oddest(features: Features) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each generation lies in a tail, on either side of any scalar, of one in a hundred."""
    names = features.lens.tail_names
    return np.asarray(features.tails[:, [name.endswith(".0.01") for name in names]].any(axis=1))
