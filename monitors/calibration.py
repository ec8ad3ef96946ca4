"""The third stage of a lens: what is usual for each cluster of requests, measured on a split nothing was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MEAN_SHRINKAGE = 20.0  # generations' worth of the overall value mixed into each cluster's own
_TAIL_SHRINKAGE = 50.0
_TAIL = 0.01
_FAR_TAIL = 0.001
_DIRECTED_CLIP = 8.0  # robust standard deviations
_VARIANCE_FLOOR = 0.01  # keeps a signal that never varied at the baseline from alarming at its first change
_FEWEST_REPEATS = 50  # pairs of generations of one prompt
_UNKNOWN_REPEAT_CORRELATION = 0.5

TAILS = ("low", "high", "far_low", "far_high")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Per-cluster location and scale of the scalars, their distribution, and the moments of all features."""

    size: float  # effective generations behind it, repeats discounted
    cluster_sizes: NDArray[np.float64]
    cluster_counts: NDArray[np.int64]
    location: NDArray[np.float32]  # [clusters, scalars]
    scale: NDArray[np.float32]
    ranked: NDArray[np.float32]  # [scalars, n], each row sorted: the distribution of the normalised scalars
    tail_levels: NDArray[np.float64]  # (tail, far tail)
    tail_rates: NDArray[np.float32]  # [clusters, 4 scalars], grouped as in `TAILS`
    cluster_means: NDArray[np.float32]  # [clusters, features]
    feature_mean: NDArray[np.float64]
    feature_deviation: NDArray[np.float64]
    whitener: NDArray[np.float64]  # [features, features]: inverse Cholesky factor of the features' covariance
    orientation: NDArray[np.float32]  # [scalars]: +1 where high is worse, -1 where low is, 0 where neither
    directed_means: NDArray[np.float32]  # [clusters, scalars]
    directed_deviation: NDArray[np.float64]  # [scalars]
    repeat_correlation: float

    def normalise(self, scalars: NDArray[np.float32], cluster: NDArray[np.intp]) -> NDArray[np.float32]:
        normalised: NDArray[np.float32] = (scalars - self.location[cluster]) / self.scale[cluster]
        return normalised

    def ranks(self, normalised: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability integral transform, ties at their middle: in [0, 1], uniform at the baseline."""
        return _ranks(self.ranked, normalised)

    def tails(self, ranks: NDArray[np.float32]) -> NDArray[np.bool_]:
        return _tails(ranks, self.tail_levels)

    def directed(self, normalised: NDArray[np.float32], cluster: NDArray[np.intp]) -> NDArray[np.float32]:
        """Robust standard deviations towards the worse, against the cluster's mean; 0 for undirected scalars."""
        return np.subtract(_oriented(normalised, self.orientation), self.directed_means[cluster], dtype=np.float32)


def fit_calibration(
    components: NDArray[np.float32],
    scalars: NDArray[np.float32],
    cluster: NDArray[np.intp],
    clusters: int,
    orientation: NDArray[np.float32],
    prompt_keys: NDArray[np.uint64],
) -> Calibration:
    counts = np.bincount(cluster, minlength=clusters)
    location, scale = _location_scale(scalars, cluster, counts)
    normalised = (scalars - location[cluster]) / scale[cluster]
    ranked = np.sort(normalised, axis=0).T.copy()
    ranks = _ranks(ranked, normalised)
    levels = np.array([_TAIL, max(_FAR_TAIL, 1.0 / len(scalars))])
    tail_rates = _shrunken_means(_tails(ranks, levels).astype(np.float64), cluster, counts, _TAIL_SHRINKAGE)

    features = np.concatenate([components, ranks], axis=1)
    cluster_means = _shrunken_means(features, cluster, counts, _MEAN_SHRINKAGE)
    features = (features - cluster_means[cluster]).astype(np.float64)
    mean = features.mean(axis=0)
    covariance = np.cov(features.T) + _VARIANCE_FLOOR * np.eye(features.shape[1])
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))

    oriented = _oriented(normalised, orientation)
    directed_means = _shrunken_means(oriented, cluster, counts, _MEAN_SHRINKAGE)
    correlation = _repeat_correlation((features - mean) @ whitener.T, prompt_keys)
    discount = [_repeat_discount(prompt_keys[cluster == c], correlation) for c in range(clusters)]
    return Calibration(
        size=len(scalars) * _repeat_discount(prompt_keys, correlation),
        cluster_sizes=counts * np.array(discount),
        cluster_counts=counts.astype(np.int64),
        location=location,
        scale=scale,
        ranked=ranked,
        tail_levels=levels,
        tail_rates=tail_rates,
        cluster_means=cluster_means,
        feature_mean=mean,
        feature_deviation=np.sqrt(np.diag(covariance)),
        whitener=whitener,
        orientation=orientation,
        directed_means=directed_means,
        directed_deviation=(oriented - directed_means[cluster]).std(axis=0, dtype=np.float64),
        repeat_correlation=correlation,
    )


def _location_scale(
    scalars: NDArray[np.float32], cluster: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median and median absolute deviation of each cluster, the latter shrunk towards all clusters' together."""
    location = np.stack([np.median(scalars[cluster == c], axis=0) for c in range(len(counts))])
    off = np.abs(scalars - location[cluster])
    own = np.stack([np.median(off[cluster == c], axis=0) for c in range(len(counts))])
    weight = counts[:, None]
    scale = (own * weight + np.median(off, axis=0) * _MEAN_SHRINKAGE) / (weight + _MEAN_SHRINKAGE)
    floor = np.maximum(1e-3 * scalars.std(axis=0), 1e-6)
    return location.astype(np.float32), np.maximum(scale, floor).astype(np.float32)


def _ranks(ranked: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    columns = [
        np.searchsorted(row, column) + np.searchsorted(row, column, side="right")
        for row, column in zip(ranked, np.ascontiguousarray(values.T), strict=True)
    ]
    return np.asarray(np.stack(columns, axis=1) / (2.0 * ranked.shape[1]), dtype=np.float32)


def _tails(ranks: NDArray[np.float32], levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    near, far = levels
    each = [ranks < near, ranks > 1.0 - near, ranks < far, ranks > 1.0 - far]
    return np.concatenate(each, axis=1, dtype=np.bool_)


def _oriented(normalised: NDArray[np.float32], orientation: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip(normalised * orientation, -_DIRECTED_CLIP, _DIRECTED_CLIP))


def _shrunken_means(
    values: NDArray[np.floating], cluster: NDArray[np.intp], counts: NDArray[np.intp], shrinkage: float
) -> NDArray[np.float32]:
    sums = np.stack([values[cluster == c].sum(axis=0, dtype=np.float64) for c in range(len(counts))])
    overall = values.mean(axis=0, dtype=np.float64)
    means = (sums + shrinkage * overall) / (counts[:, None] + shrinkage)
    return np.asarray(means, dtype=np.float32)


def _repeat_correlation(whitened: NDArray[np.float64], prompt_keys: NDArray[np.uint64]) -> float:
    """Intraclass correlation of the features of generations of one prompt: an upper estimate, two standard errors up.

    Where the baseline repeats too few prompts to tell, a correlation that is high for image generators is assumed.
    """
    _, prompt, repeats = np.unique(prompt_keys, return_inverse=True, return_counts=True)
    sums = np.zeros((len(repeats), whitened.shape[1]))
    np.add.at(sums, prompt, whitened)
    own = np.bincount(prompt, weights=(whitened**2).sum(axis=1))
    pairs = repeats * (repeats - 1)
    if pairs.sum() < 2 * _FEWEST_REPEATS:
        return _UNKNOWN_REPEAT_CORRELATION
    products = ((sums**2).sum(axis=1) - own) / whitened.shape[1]
    estimate = products.sum() / pairs.sum()
    error = np.sqrt(((products - estimate * pairs) ** 2).sum()) / pairs.sum()
    return float(np.clip(estimate + 2.0 * error, 0.0, 1.0))


def _repeat_discount(prompt_keys: NDArray[np.uint64], correlation: float) -> float:
    if len(prompt_keys) == 0:
        return 1.0
    _, repeats = np.unique(prompt_keys, return_counts=True)
    return float(1.0 / (1.0 + correlation * ((repeats.astype(np.float64) ** 2).sum() / len(prompt_keys) - 1.0)))
