"""What no lens can know: generations of one prompt, and of prompts alike, depart from the expectation together.

They share the error that the lens makes for them, so they are fewer than they seem. How much they share is measured
where it can be seen, in pairs of generations at the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_FEWEST_PAIRS = 50
_UNKNOWN_REPEAT_CORRELATION = 0.5
_STANDARD_ERRORS = 2.0  # above the estimate: an upper limit is wanted
_ROWS_FOR_NEIGHBOURS = 6_000
_COMMON = 0.03  # the rarest tail that pairs are counted in

Rows = NDArray[np.intp]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Misfit:
    """Along `axes`, the directions in which they differ most: the correlation of two generations of one prompt, and
    the squared error of the expectation per unit of leverage, at least 1: what the regression itself believes."""

    axes: Array  # [features, features], orthonormal columns
    repeat: Array  # [features]
    ignorance: Array  # [features]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows of the calibration split: `prompt` numbers their prompts, `near` pairs rows with the nearest other prompt,
    whose errors have `leverage` in common."""

    prompt: Rows
    repeats: Rows  # of each prompt
    near: tuple[Rows, Rows]
    leverage: Array  # of each pair in `near`

    @classmethod
    def of(
        cls,
        requests: NDArray[np.float32],
        cluster: Rows,
        leverage: NDArray[np.float32],
        prompt_keys: NDArray[np.uint64],
    ) -> Pairs:
        _, first, prompt, repeats = np.unique(prompt_keys, return_index=True, return_inverse=True, return_counts=True)
        left, right = _nearest_prompts(requests, cluster, first[:_ROWS_FOR_NEIGHBOURS])
        common = (leverage[left].astype(np.float64) * leverage[right]).sum(axis=1)
        return cls(prompt, repeats, (left, right), common)

    @property
    def of_one_prompt(self) -> int:
        return int((self.repeats * (self.repeats - 1)).sum()) // 2


def fit_misfit(whitened: Array, pairs: Pairs) -> Misfit:
    """Where too few prompts repeat to tell, a correlation that is high for image generators is assumed."""
    features = whitened.shape[1]
    known = pairs.of_one_prompt >= _FEWEST_PAIRS
    repeated = _repeat_covariance(whitened, pairs) if known else np.zeros((features, features))
    _, axes = np.linalg.eigh(_near_covariance(whitened, pairs) + repeated)
    turned = whitened @ axes
    repeat = _repeat_correlation(turned, pairs) if known else np.full(features, _UNKNOWN_REPEAT_CORRELATION)
    return Misfit(axes, repeat, np.maximum(_ignorance(turned, pairs), 1.0))


def fit_tail_misfit(excess: Array, levels: Array, misfit: Misfit, pairs: Pairs) -> tuple[Array, Array]:
    """The same for tail indicators less their rates, grouped by level: correlation and ignorance of each tail.

    Pairs show little of rare tails, so these are measured at the common levels only. Rarer ones are no more correlated;
    their ignorance follows from what an error of mean and spread makes of a normal distribution's tail of that rate.
    """
    common = levels >= _COMMON
    a_level = excess.shape[1] // len(levels)
    standard = excess[:, : a_level * int(common.sum())]
    standard = standard / np.maximum(standard.std(axis=0), 1e-9)
    sensitivity = _sensitivity(levels)
    measured = _ignorance(standard, pairs).reshape(-1, a_level) / sensitivity[common][:, None]
    ignorance = np.maximum(measured.max(axis=0), misfit.ignorance.mean()) * sensitivity[:, None]
    repeat = np.full(a_level, _UNKNOWN_REPEAT_CORRELATION)
    if pairs.of_one_prompt >= _FEWEST_PAIRS:
        repeat = _repeat_correlation(standard, pairs).reshape(-1, a_level).max(axis=0)
    return np.tile(repeat, len(levels)), ignorance.ravel()


def _sensitivity(rates: Array) -> Array:
    """The squared change of a normal tail's rate with its mean and its spread, in units of the rate's variance."""
    quantile = stats.norm.isf(rates)
    return np.asarray(stats.norm.pdf(quantile) ** 2 * (1.0 + quantile**2) / (rates * (1.0 - rates)))


def _nearest_prompts(requests: NDArray[np.float32], cluster: Rows, rows: Rows) -> tuple[Rows, Rows]:
    """For each of `rows`, one generation of each prompt, the nearest other of its cluster."""
    left, right = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    for members in (rows[cluster[rows] == c] for c in np.unique(cluster[rows])):
        if len(members) > 1:
            points = requests[members]
            squared = (points**2).sum(axis=1)
            distance = squared[:, None] + squared - 2.0 * points @ points.T
            np.fill_diagonal(distance, np.inf)
            left.append(members)
            right.append(members[distance.argmin(axis=1)])
    return np.concatenate(left), np.concatenate(right)


def _near_covariance(values: Array, pairs: Pairs) -> Array:
    left, right = pairs.near
    product = values[left].T @ values[right] / max(len(left), 1)
    return np.asarray((product + product.T) / 2.0)


def _repeat_covariance(values: Array, pairs: Pairs) -> Array:
    sums = _sums_by_prompt(values, pairs)
    several = pairs.repeats > 1
    own = values[several[pairs.prompt]]
    return np.asarray((sums[several].T @ sums[several] - own.T @ own) / (2 * pairs.of_one_prompt))


def _repeat_correlation(values: Array, pairs: Pairs) -> Array:
    products = _sums_by_prompt(values, pairs) ** 2 - _sums_by_prompt(values**2, pairs)
    weights = (pairs.repeats * (pairs.repeats - 1)).astype(np.float64)
    return np.minimum(_upper_ratio(products, weights), 1.0)


def _ignorance(values: Array, pairs: Pairs) -> Array:
    left, right = pairs.near
    if pairs.leverage.sum() <= 0.0:
        return np.zeros(values.shape[1])
    return _upper_ratio(values[left] * values[right], pairs.leverage)


def _upper_ratio(products: Array, weights: Array) -> Array:
    """sum(products) / sum(weights) by column, and no less than an upper limit of all columns' mean."""
    total = weights.sum()
    overall = products.mean(axis=1)
    mean = overall.sum() / total
    error = np.sqrt(((overall - mean * weights) ** 2).sum()) / total
    floor = max(0.0, float(mean + _STANDARD_ERRORS * error))
    return np.asarray(np.maximum(products.sum(axis=0) / total, floor))


def _sums_by_prompt(values: Array, pairs: Pairs) -> Array:
    prompts = len(pairs.repeats)
    return np.stack([np.bincount(pairs.prompt, weights=column, minlength=prompts) for column in values.T], axis=1)
