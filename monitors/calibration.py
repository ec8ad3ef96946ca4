"""The last stage of a lens: what is usual for each cluster of requests, measured where nothing was fitted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitors.misfit import Pairs, Unknown, fit_misfit, fit_tail_misfit

_TAIL_SHRINKAGE = 50.0  # generations' worth of the overall value mixed into each cluster's own
_SCALE_SHRINKAGE = 20.0
_MOST_SHRINKAGE = 1000.0
_TAIL_LEVELS = (0.1, 0.03, 0.01, 0.003, 0.001)
_DIRECTED_CLIP = 8.0  # robust standard deviations
_VARIANCE_FLOOR = 0.01  # keeps a signal that never varied at the baseline from alarming at its first change


@dataclass(frozen=True, eq=False)
class Scaling:
    """Location and scale of each cluster's scalars [clusters, scalars]."""

    location: NDArray[np.float32]
    scale: NDArray[np.float32]

    def normalise(self, scalars: NDArray[np.float32], cluster: NDArray[np.intp]) -> NDArray[np.float32]:
        normalised: NDArray[np.float32] = (scalars - self.location[cluster]) / self.scale[cluster]
        return normalised


@dataclass(frozen=True, eq=False)
class Calibration:
    """The distribution of the scalars, each cluster's usual features and tails, and the moments of all features."""

    size: int
    cluster_counts: NDArray[np.int64]
    repeat_moment: float  # F2 / n of its prompts: 1 when all differ
    shrinkage: float  # generations' worth of the overall mean mixed into each cluster's own
    ranked: NDArray[np.float32]  # [scalars, n], each row sorted: the distribution of the normalised scalars
    tail_levels: NDArray[np.float64]
    tail_rates: NDArray[np.float32]  # [clusters, tails], grouped by level, low before high
    cluster_means: NDArray[np.float32]  # [clusters, features]
    feature_mean: NDArray[np.float64]
    feature_deviation: NDArray[np.float64]
    canonical: NDArray[np.float64]  # [features, features]: whitens the features, and makes their misfits uncorrelated
    kurtosis: float  # of the whitened features: the sum of their fourth cumulants (a, a, b, b), 0 if they are normal
    orientation: NDArray[np.float32]  # [scalars]: +1 where high is worse, -1 where low is, 0 where neither
    directed_means: NDArray[np.float32]  # [clusters, scalars]
    directed_deviation: NDArray[np.float64]  # [scalars]
    repeat_correlation: NDArray[np.float64]  # [features]: of generations of one prompt, by canonical coordinate
    ignorance: NDArray[np.float64]  # [features]: the lens's squared error per unit of leverage, likewise
    tail_repeat_correlation: NDArray[np.float64]  # [tails]
    tail_ignorance: NDArray[np.float64]  # [tails]
    leverage_mean: NDArray[np.float32]
    leverage: float  # mean square of a generation's

    @cached_property
    def exact_tail_rates(self) -> NDArray[np.float64]:
        """`tail_rates` as numbers to multiply counts with."""
        return self.tail_rates.astype(np.float64)

    @cached_property
    def mean_repeat_correlation(self) -> NDArray[np.float64]:
        """[1]: over all features."""
        return np.asarray(self.repeat_correlation.mean(keepdims=True))

    @cached_property
    def mean_ignorance(self) -> NDArray[np.float64]:
        """[1]: over all features."""
        return np.asarray(self.ignorance.mean(keepdims=True))

    def ranks(self, normalised: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability integral transform, ties at their middle: in [0, 1], uniform at the baseline."""
        return _ranks(self.ranked, normalised)

    def tails(self, ranks: NDArray[np.float32]) -> NDArray[np.bool_]:
        return _tails(ranks, self.tail_levels)

    def directed(self, normalised: NDArray[np.float32], cluster: NDArray[np.intp]) -> NDArray[np.float32]:
        """Robust standard deviations towards the worse, against the cluster's mean; 0 for undirected scalars."""
        return np.subtract(_oriented(normalised, self.orientation), self.directed_means[cluster], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Strangers:
    """Generations of requests that were hidden from what judges them, as a lens sees any that it does not know:
    components, scalars in units of all clusters together, clusters, and the leverage of each cluster's mean request."""

    components: NDArray[np.float32]
    normalised: NDArray[np.float32]
    cluster: NDArray[np.intp]
    leverage: NDArray[np.float64]


def fit_scaling(scalars: NDArray[np.float32], cluster: NDArray[np.intp], clusters: int) -> Scaling:
    """Median and median absolute deviation of each cluster, shrunk towards all clusters' together.

    Not of the generations it is to scale: their own medians would lie closer to them than to what comes later, and
    tails would look rarer than they are.
    """
    weight = np.bincount(cluster, minlength=clusters)[:, None]

    def shrunk_medians(values: NDArray[np.float32]) -> NDArray[np.float32]:
        overall = np.median(values, axis=0)
        own = [np.median(values[cluster == c], axis=0) if weight[c] else overall for c in range(clusters)]
        shrunk = (np.stack(own) * weight + overall * _SCALE_SHRINKAGE) / (weight + _SCALE_SHRINKAGE)
        return np.asarray(shrunk, np.float32)

    location = shrunk_medians(scalars)
    scale = shrunk_medians(np.abs(scalars - location[cluster]))
    floor = np.maximum(1e-3 * scalars.std(axis=0), 1e-6)
    return Scaling(location, np.maximum(scale, floor).astype(np.float32))


def fit_calibration(
    components: NDArray[np.float32],
    normalised: NDArray[np.float32],
    leverage: NDArray[np.float32],
    cluster: NDArray[np.intp],
    clusters: int,
    orientation: NDArray[np.float32],
    prompt_keys: NDArray[np.uint64],
    strangers: Strangers,
) -> Calibration:
    counts = np.bincount(cluster, minlength=clusters)
    ranked = np.sort(normalised, axis=0).T.copy()
    ranks = _ranks(ranked, normalised)
    levels = np.array([level for level in _TAIL_LEVELS if level * len(normalised) >= 1])
    tails = _tails(ranks, levels).astype(np.float64)
    tail_rates = _shrunken_means(tails, cluster, counts, _TAIL_SHRINKAGE)

    raw = np.concatenate([components, ranks], axis=1).astype(np.float64)
    shrinkage = _shrinkage(raw, cluster, counts)
    cluster_means = _shrunken_means(raw, cluster, counts, shrinkage)
    features = raw - cluster_means[cluster]
    mean = features.mean(axis=0)
    fitted = float((counts / (counts + shrinkage)).sum())  # degrees of freedom that the clusters' means took
    covariance = np.cov(features.T) / (1.0 - fitted / len(features)) + _VARIANCE_FLOOR * np.eye(features.shape[1])
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))
    whitened = (features - mean) @ whitener.T
    leverage_mean = leverage.mean(axis=0)
    pairs = Pairs.of(prompt_keys)
    strange_ranks = _ranks(ranked, strangers.normalised)
    strange = np.concatenate([strangers.components, strange_ranks], axis=1) - raw.mean(axis=0)
    unknown = Unknown.of((strange - mean) @ whitener.T, strangers.cluster, strangers.leverage)
    misfit = fit_misfit(whitened, pairs, unknown)
    strange_tails = Unknown.of(_standard(_tails(strange_ranks, levels), levels), strangers.cluster, strangers.leverage)
    tail_repeat, tail_ignorance = fit_tail_misfit(tails - tail_rates[cluster], levels, pairs, strange_tails)

    oriented = _oriented(normalised, orientation)
    directed_means = _shrunken_means(oriented, cluster, counts, shrinkage)
    _, repeats = np.unique(prompt_keys, return_counts=True)
    return Calibration(
        size=len(normalised),
        cluster_counts=counts.astype(np.int64),
        repeat_moment=float((repeats.astype(np.float64) ** 2).sum() / len(prompt_keys)),
        shrinkage=shrinkage,
        ranked=ranked,
        tail_levels=levels,
        tail_rates=tail_rates,
        cluster_means=cluster_means,
        feature_mean=mean,
        feature_deviation=np.sqrt(np.diag(covariance)),
        canonical=misfit.axes.T @ whitener,
        kurtosis=fourth_cumulant(whitened),
        orientation=orientation,
        directed_means=directed_means,
        directed_deviation=(oriented - directed_means[cluster]).std(axis=0, dtype=np.float64),
        repeat_correlation=misfit.repeat,
        ignorance=misfit.ignorance,
        tail_repeat_correlation=tail_repeat,
        tail_ignorance=tail_ignorance,
        leverage_mean=leverage_mean,
        leverage=float(((leverage - leverage_mean) ** 2).sum(axis=1).mean()),
    )


def _ranks(ranked: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    columns = [
        np.searchsorted(row, column) + np.searchsorted(row, column, side="right")
        for row, column in zip(ranked, np.ascontiguousarray(values.T), strict=True)
    ]
    return np.asarray(np.stack(columns, axis=1) / (2.0 * ranked.shape[1]), dtype=np.float32)


def _tails(ranks: NDArray[np.float32], levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    each = [side for level in levels for side in (ranks < level, ranks > 1.0 - level)]
    return np.concatenate(each, axis=1, dtype=np.bool_)


def _standard(tails: NDArray[np.bool_], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tail indicators less their rates, in units of their standard deviation."""
    rates = np.repeat(levels, tails.shape[1] // len(levels))
    return (tails - rates) / np.sqrt(rates * (1.0 - rates))


def _oriented(normalised: NDArray[np.float32], orientation: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip(normalised * orientation, -_DIRECTED_CLIP, _DIRECTED_CLIP))


def _sums_by_cluster(values: NDArray[np.floating], cluster: NDArray[np.intp], clusters: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(cluster, weights=column, minlength=clusters) for column in values.T], axis=1)


def _shrunken_means(
    values: NDArray[np.floating], cluster: NDArray[np.intp], counts: NDArray[np.intp], shrinkage: float
) -> NDArray[np.float32]:
    overall = values.mean(axis=0, dtype=np.float64)
    sums = _sums_by_cluster(values, cluster, len(counts))
    return np.asarray((sums + shrinkage * overall) / (counts[:, None] + shrinkage), np.float32)


def _shrinkage(values: NDArray[np.float64], cluster: NDArray[np.intp], counts: NDArray[np.intp]) -> float:
    """The variance within clusters over that between their true means, by the analysis of variance of random effects
    (Searle, Casella & McCulloch 1992, ch. 3): with it a shrunken mean is the best linear prediction."""
    n, clusters = len(values), len(counts)
    if clusters == 1 or n <= clusters:
        return _MOST_SHRINKAGE
    means = _sums_by_cluster(values, cluster, clusters) / counts[:, None]
    between = (counts[:, None] * (means - values.mean(axis=0)) ** 2).sum(axis=0) / (clusters - 1)
    within = ((values - means[cluster]) ** 2).sum(axis=0) / (n - clusters)
    usual = (n - (counts.astype(np.float64) ** 2).sum() / n) / (clusters - 1)
    varies = within > 0
    ratio = float(np.mean((between[varies] / within[varies] - 1.0) / usual)) if varies.any() else 0.0
    return min(max(1.0 / max(ratio, 1e-9), 1.0), _MOST_SHRINKAGE)


def fourth_cumulant(values: NDArray[np.float64]) -> float:
    """The sum of the fourth cumulants (a, a, b, b) over all pairs of columns of `values` [n, columns], at least 0:
    Mardia's (1970) excess kurtosis where their covariance is the identity.

    Of what is whitened by a covariance with a floor it is not, and to compare with a normal distribution of unit
    variances would hide half of it.
    """
    squared = ((values**2).sum(axis=1) ** 2).mean()
    covariance = values.T @ values / len(values)
    return float(max(0.0, squared - np.trace(covariance) ** 2 - 2.0 * (covariance**2).sum()))
