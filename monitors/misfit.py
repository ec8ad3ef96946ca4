"""What no lens can know: generations of one prompt, and of unknown requests, depart from the expectation together.

They share the error that the lens makes for them, so they are fewer than they seem. How much they share is measured
where it can be seen: between generations of one prompt, and in clusters of the baseline that were hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors.extrapolation import cluster_means

_FEWEST_PAIRS = 50
_UNKNOWN_REPEAT_CORRELATION = 0.5
_STANDARD_ERRORS = 2.0  # above the estimate: an upper limit is wanted
_COMMON = 0.03  # the rarest tail that departures are measured in
_WORST_CLUSTERS = 0.9  # quantile: traffic may move to a cluster that the lens is more wrong about than about most

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Misfit:
    """Along `axes`, the directions in which they differ most: the correlation of two generations of one prompt, and
    the squared error of the expectation per unit of leverage (1 if the regression judges itself well)."""

    axes: Array  # [features, features], orthonormal columns
    repeat: Array  # [features]
    ignorance: Array  # [features]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Generations of one prompt: `prompt` numbers the prompts, `repeats` counts their generations."""

    prompt: NDArray[np.intp]
    repeats: NDArray[np.intp]

    @classmethod
    def of(cls, prompt_keys: NDArray[np.uint64]) -> Pairs:
        _, prompt, repeats = np.unique(prompt_keys, return_inverse=True, return_counts=True)
        return cls(prompt, repeats)

    @property
    def known(self) -> bool:
        """Whether enough prompts repeat to measure how alike their images are."""
        return int((self.repeats * (self.repeats - 1)).sum()) >= 2 * _FEWEST_PAIRS


@dataclass(frozen=True, eq=False)
class Unknown:
    """The mean departures [clusters, columns] of hidden clusters, in standard deviations, with the variance that
    sampling alone gives them and the leverage of their mean request."""

    departures: Array
    sampling: Array
    leverage: Array

    @classmethod
    def of(cls, departures: Array, cluster: NDArray[np.intp], leverage: Array) -> Unknown:
        means, counts = cluster_means(departures, cluster, len(leverage))
        some = (counts > 0) & (leverage > 0)
        return cls(means[some], 1.0 / counts[some], leverage[some])

    def turned(self, axes: Array) -> Unknown:
        return Unknown(self.departures @ axes, self.sampling, self.leverage)

    def ignorance(self) -> Array:
        """By column: squared error per unit of leverage, scaled up to the worst clusters; at least 1."""
        if len(self.leverage) == 0:
            return np.ones(self.departures.shape[1])
        squared = self.departures**2 - self.sampling[:, None]
        usual = np.maximum(squared.sum(axis=0) / self.leverage.sum(), 0.0)
        by_cluster = squared.mean(axis=1) / self.leverage
        worst = float(np.quantile(by_cluster, _WORST_CLUSTERS)) / max(float(usual.mean()), 1e-9)
        return np.asarray(np.maximum(np.maximum(usual, usual.mean()) * max(worst, 1.0), 1.0))


def fit_misfit(whitened: Array, pairs: Pairs, unknown: Unknown) -> Misfit:
    """Where too few prompts repeat to tell, a correlation that is high for image generators is assumed."""
    features = whitened.shape[1]
    shared = unknown.departures.T @ unknown.departures / max(len(unknown.leverage), 1)
    _, axes = np.linalg.eigh(shared + (_repeat_covariance(whitened, pairs) if pairs.known else 0.0))
    repeat = np.full(features, _UNKNOWN_REPEAT_CORRELATION)
    if pairs.known:
        repeat = _repeat_correlation(whitened @ axes, pairs)
    return Misfit(axes, repeat, unknown.turned(axes).ignorance())


def fit_tail_misfit(excess: Array, levels: Array, pairs: Pairs, unknown: Unknown) -> tuple[Array, Array]:
    """The same for tail indicators less their rates, grouped by level: correlation and ignorance of each tail.

    Little is seen of rare tails, so these are measured at the common levels only. Rarer ones are no more correlated;
    their ignorance follows from what an error of mean and spread makes of a normal distribution's tail of that rate.
    """
    common = levels >= _COMMON
    a_level = excess.shape[1] // len(levels)
    columns = a_level * int(common.sum())
    sensitivity = _sensitivity(levels)
    measured = Unknown(unknown.departures[:, :columns], unknown.sampling, unknown.leverage).ignorance()
    ignorance = (measured.reshape(-1, a_level) / sensitivity[common][:, None]).max(axis=0) * sensitivity[:, None]
    repeat = np.full(a_level, _UNKNOWN_REPEAT_CORRELATION)
    if pairs.known:
        standard = excess[:, :columns] / np.maximum(excess[:, :columns].std(axis=0), 1e-9)
        repeat = _repeat_correlation(standard, pairs).reshape(-1, a_level).max(axis=0)
    return np.tile(repeat, len(levels)), ignorance.ravel()


def _sensitivity(rates: Array) -> Array:
    """The squared change of a normal tail's rate with its mean and its spread, in units of the rate's variance."""
    quantile = special.ndtri(rates)
    density = np.exp(-(quantile**2) / 2.0) / np.sqrt(2.0 * np.pi)
    return np.asarray(density**2 * (1.0 + quantile**2) / (rates * (1.0 - rates)))


def _repeat_covariance(values: Array, pairs: Pairs) -> Array:
    sums = _sums_by_prompt(values, pairs)
    several = pairs.repeats > 1
    own = values[several[pairs.prompt]]
    count = (pairs.repeats * (pairs.repeats - 1)).sum()
    return np.asarray((sums[several].T @ sums[several] - own.T @ own) / count)


def _repeat_correlation(values: Array, pairs: Pairs) -> Array:
    """By column: the mean product of two generations of a prompt plus its standard error, and no less than an upper
    limit of all columns'."""
    products = _sums_by_prompt(values, pairs) ** 2 - _sums_by_prompt(values**2, pairs)
    weights = (pairs.repeats * (pairs.repeats - 1)).astype(np.float64)
    total = weights.sum()
    overall = products.mean(axis=1)
    mean = overall.sum() / total
    error = np.sqrt(((overall - mean * weights) ** 2).sum()) / total
    floor = max(0.0, float(mean + _STANDARD_ERRORS * error))
    own = products.sum(axis=0) / total
    own += np.sqrt(((products - own * weights[:, None]) ** 2).sum(axis=0)) / total
    return np.asarray(np.clip(own, floor, 1.0))


def _sums_by_prompt(values: Array, pairs: Pairs) -> Array:
    prompts = len(pairs.repeats)
    return np.stack([np.bincount(pairs.prompt, weights=column, minlength=prompts) for column in values.T], axis=1)
