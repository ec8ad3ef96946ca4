"""How wrong a lens is about requests unlike any it has seen: measured by hiding clusters of the baseline from it.

Nothing that lies inside the baseline tells how far a regression can be trusted outside. So clusters are left out of it,
a quarter at a time, and looked at through what the others taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.expectation import Ridge, targets
from monitors.sample import Sample

_GROUPS = 4
_ROWS = 6_000


@dataclass(frozen=True, eq=False)
class Hidden:
    """Generations of clusters their regression had not seen: `rows` of the sample they are of, what their images and
    scalars are beyond what was expected, and the leverage of each cluster's mean request [clusters]."""

    rows: NDArray[np.intp]
    residuals: NDArray[np.float32]
    scalars: NDArray[np.float32]
    leverage: NDArray[np.float64]


def hide_clusters(
    taught: tuple[NDArray[np.float32], Sample, NDArray[np.intp]],
    judged: tuple[NDArray[np.float32], Sample, NDArray[np.intp]],
    clusters: int,
    penalties: tuple[float, ...],
    rng: np.random.Generator,
) -> Hidden:
    """Designs, samples and clusters of what teaches and of what is judged; the two share no prompt."""
    design, sample, cluster = taught
    judged_design, judged_sample, judged_cluster = judged
    group = rng.permutation(clusters) % min(_GROUPS, clusters)
    some = rng.permutation(len(sample))[:_ROWS]
    dimensions = sample.images.shape[1]
    target = np.concatenate(targets(sample), axis=1)
    widths = np.cumsum([each.shape[1] for each in targets(sample)])[:-1]
    leverage = np.zeros(clusters)
    rows, beyond = [], []
    for number in range(int(group.max()) + 1):
        shown = some[group[cluster[some]] != number]
        hidden = np.flatnonzero(group[judged_cluster] == number)
        if len(shown) == 0 or len(hidden) == 0:
            continue
        ridge = Ridge(design[shown])
        fitted = [
            ridge.solved(part, penalty)
            for part, penalty in zip(np.split(target[shown], widths, axis=1), penalties, strict=True)
        ]
        coefficients = np.concatenate(fitted, axis=1)
        expected = judged_design[hidden] @ coefficients[:-1] + coefficients[-1]
        own = np.concatenate([judged_sample.images[hidden], judged_sample.scalars[hidden]], axis=1)
        rows.append(hidden)
        beyond.append(own - expected)
        means, counts = cluster_means(judged_design[hidden].astype(np.float64), judged_cluster[hidden], clusters)
        leverage += np.where(counts > 0, ridge.leverage_of(means, penalties[0]), 0.0)
    found = np.concatenate(beyond).astype(np.float32)
    return Hidden(np.concatenate(rows), found[:, :dimensions], found[:, dimensions:], leverage)


def cluster_means(
    values: NDArray[np.float64], cluster: NDArray[np.intp], clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means [clusters, columns], 0 where there are none, and counts [clusters]."""
    counts = np.bincount(cluster, minlength=clusters).astype(np.float64)
    sums = np.stack([np.bincount(cluster, weights=column, minlength=clusters) for column in values.T], axis=1)
    return sums / np.maximum(counts, 1.0)[:, None], counts
