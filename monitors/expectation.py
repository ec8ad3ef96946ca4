"""The first stage of a lens: which image and which scalars a request should give, and which requests are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitors.affine import Affine
from monitors.sample import Sample

# All parameters together move a request as far as half the median distance between two prompts.
_PARAMETER_WEIGHT = 0.5
_WAVE_SCALE = 0.25
_KNOWN_QUANTILE = 0.999
_RIDGES = np.logspace(-6, 3, 19)  # relative to the mean eigenvalue
_CLUSTERING_ROWS = 20_000
_REGRESSION_ROWS = 12_000
_HELD_OUT = 0.2
_LEVERAGE_DIRECTIONS = 32
_FEWEST_IN_CLUSTER = 8


@dataclass(frozen=True, eq=False)
class Look:
    """What the images [n, dx] and the scalars [n, k] are beyond what was expected, and how little the regression has
    to go by: the inner product of two rows of `leverage` [n, directions] estimates how far the errors of two
    expectations go together, in units of the noise, as the regression itself sees it (Johnson & Lindenstrauss 1984).
    """

    residuals: NDArray[np.float32]
    scalars: NDArray[np.float32]
    leverage: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Requests:
    """How requests are read: prompt embeddings and standardised parameters, scaled so that two prompts typically lie
    one apart. `centroids` partition them; `reach` is the distance from them beyond which a request is unseen."""

    prompt_scale: float
    parameter_mean: NDArray[np.float32]
    parameter_weight: NDArray[np.float32]
    parameter_low: NDArray[np.float32]
    parameter_high: NDArray[np.float32]
    frequencies: NDArray[np.float32]  # [dp + dc, waves]
    centroids: NDArray[np.float32]  # [clusters, dp + dc]
    reach: float

    def read(self, sample: Sample) -> NDArray[np.float32]:
        parameters = (sample.parameters - self.parameter_mean) * self.parameter_weight
        return np.concatenate([sample.prompts * np.float32(self.prompt_scale), parameters], axis=1)

    def design(self, requests: NDArray[np.float32]) -> NDArray[np.float32]:
        """Linear, and in random Fourier features (Rahimi & Recht 2007) [n, dp + dc + 2 waves]."""
        phase = requests @ self.frequencies
        scale = np.float32(_WAVE_SCALE)
        return np.concatenate([requests, np.cos(phase) * scale, np.sin(phase) * scale], axis=1)

    def place(self, sample: Sample, requests: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The cluster of each request, and whether it lies outside everything the baseline has seen."""
        cluster, distance = _nearest(requests, self._separation)
        outside = (sample.parameters < self.parameter_low) | (sample.parameters > self.parameter_high)
        return cluster, (distance > self.reach) | outside.any(axis=1)

    @cached_property
    def _separation(self) -> Affine:
        return _separation(self.centroids)


@dataclass(frozen=True, eq=False)
class Expectation:
    """Ridge regressions of images and scalars on the design."""

    coefficients: NDArray[np.float32]  # [dp + dc + 2 waves + 1, dx + scalars], the intercept last
    leverage: NDArray[np.float32]  # [dp + dc + 2 waves + 1, directions], likewise

    def look(self, design: NDArray[np.float32], images: NDArray[np.float32], scalars: NDArray[np.float32]) -> Look:
        expected = self._both.of(design)
        known, dimensions = self.coefficients.shape[1], images.shape[1]
        return Look(
            residuals=images - expected[:, :dimensions],
            scalars=scalars - expected[:, dimensions:known],
            leverage=expected[:, known:],
        )

    @cached_property
    def _both(self) -> Affine:
        """Of the expectation and the leverage, which rest on one design."""
        both = np.concatenate([self.coefficients, self.leverage], axis=1)
        return Affine(both[:-1], both[-1])


def fit_requests(sample: Sample, clusters: int, waves: int, rng: np.random.Generator) -> Requests:
    prompt_scale = 1.0 / _median_distance(sample.prompts, rng)
    mean = sample.parameters.mean(axis=0)
    deviation = sample.parameters.std(axis=0)
    varies = deviation > 1e-6
    weight = np.where(varies, _PARAMETER_WEIGHT / np.sqrt(max(1, varies.sum())) / np.where(varies, deviation, 1.0), 0.0)
    low, high = _range(sample.parameters)
    dimensions = sample.prompts.shape[1] + sample.parameters.shape[1]
    unfitted = Requests(
        prompt_scale=prompt_scale,
        parameter_mean=mean.astype(np.float32),
        parameter_weight=weight.astype(np.float32),
        parameter_low=low,
        parameter_high=high,
        frequencies=rng.standard_normal((dimensions, waves), dtype=np.float32),
        centroids=np.empty((0, 0), np.float32),
        reach=0.0,
    )
    requests = unfitted.read(sample)
    held_out = rng.random(len(requests)) < _HELD_OUT  # centroids lie closer to what they were fitted on
    centroids = _partition(requests[~held_out], requests, clusters, rng)
    _, distance = _nearest(requests[held_out], _separation(centroids))
    return replace(unfitted, centroids=centroids, reach=float(np.quantile(distance, _KNOWN_QUANTILE)))


def fit_expectation(
    design: NDArray[np.float32],
    sample: Sample,
    held_design: NDArray[np.float32],
    held_out: Sample,
    directions: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[Expectation, tuple[float, ...]]:
    """Fit the regressions on one sample, with penalties that do best on another that shares no prompt with it; returns
    the penalties too."""
    some, held = (rng.permutation(len(each))[:_REGRESSION_ROWS] for each in (sample, held_out))
    ridge = Ridge(design[some])
    validation = _Validation(ridge, held_design[held])
    penalties, coefficients = [], []
    for target, held_target in zip(targets(sample), targets(held_out), strict=True):
        penalties.append(validation.penalty(target[some], held_target[held]))
        coefficients.append(ridge.solved(target[some], penalties[-1]))
    leverage = ridge.leverage(penalties[0], directions)
    return Expectation(np.concatenate(coefficients, axis=1), leverage), tuple(penalties)


def leverage_directions(dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The same for both halves: what one gets wrong about the unknown, the other does too."""
    return np.asarray(rng.standard_normal((dimensions, _LEVERAGE_DIRECTIONS)) / np.sqrt(_LEVERAGE_DIRECTIONS))


def targets(sample: Sample) -> list[NDArray[np.float32]]:
    """Each with a penalty of its own: the images together, and every scalar."""
    return [sample.images, *np.hsplit(sample.scalars, sample.scalars.shape[1])]


class Ridge:
    """Ridge regressions on one design, from one decomposition of it."""

    def __init__(self, design: NDArray[np.float32]) -> None:
        self.mean = design.mean(axis=0, dtype=np.float64)
        self._centred = design - self.mean
        values, self.vectors = np.linalg.eigh(self._centred.T @ self._centred)
        self.values = np.maximum(values, 0.0)

    def projected(self, target: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(self.vectors.T @ (self._centred.T @ (target - target.mean(axis=0, dtype=np.float64))))

    def solved(self, target: NDArray[np.float32], penalty: float) -> NDArray[np.float32]:
        """Coefficients, the intercept last."""
        slopes = self.vectors @ (self.projected(target) / (self.values + penalty)[:, None])
        return self._with_intercept(slopes, target.mean(axis=0, dtype=np.float64))

    def leverage(self, penalty: float, directions: NDArray[np.float64]) -> NDArray[np.float32]:
        """A projection on random directions of the root of the coefficients' posterior covariance, in units of the
        noise."""
        root = (self.vectors / np.sqrt(self.values + penalty)) @ self.vectors.T
        return self._with_intercept(root @ directions, np.zeros(directions.shape[1]))

    def leverage_of(self, requests: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
        """Of each row of a design, without projection."""
        rotated = (requests - self.mean) @ self.vectors
        return np.asarray((rotated**2 / (self.values + penalty)).sum(axis=1))

    def _with_intercept(self, slopes: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.concatenate([slopes, (mean - self.mean @ slopes)[None]]).astype(np.float32)


class _Validation:
    """Finds the penalty of least error on held-out prompts.

    Not by cross-validation within the sample: repeated prompts would vouch for each other.
    """

    def __init__(self, ridge: Ridge, held_design: NDArray[np.float32]) -> None:
        self._ridge = ridge
        self._held = (held_design - ridge.mean) @ ridge.vectors
        self._moments = self._held.T @ self._held

    def penalty(self, target: NDArray[np.float32], held_target: NDArray[np.float32]) -> float:
        projected = self._ridge.projected(target)
        products = self._held.T @ (held_target - target.mean(axis=0, dtype=np.float64))
        values = self._ridge.values

        def held_out_error(penalty: float) -> float:
            solution = projected / (values + penalty)[:, None]
            return float((solution * (self._moments @ solution - 2.0 * products)).sum())

        return float(min(_RIDGES * max(values.mean(), 1e-12), key=held_out_error))


def _partition(
    requests: NDArray[np.float32], held_out: NDArray[np.float32], clusters: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """k-means centroids; those that would be left with next to no calibration are given up to their neighbours."""
    rows = rng.permutation(len(requests))[:_CLUSTERING_ROWS]
    chosen = requests[np.sort(rows)]
    wanted = min(clusters, len(np.unique(chosen, axis=0)))
    from sklearn.cluster import KMeans  # a second to import, and needed only where a lens is fitted

    means = KMeans(wanted, n_init=1, max_iter=50, random_state=int(rng.integers(2**31))).fit(chosen)
    centroids = np.asarray(means.cluster_centers_, dtype=np.float32)
    while len(centroids) > 1:
        cluster, _ = _nearest(held_out, _separation(centroids))
        counts = np.bincount(cluster, minlength=len(centroids))
        if counts.min() >= _FEWEST_IN_CLUSTER:
            break
        centroids = np.delete(centroids, counts.argmin(), axis=0)
    return centroids


def _separation(centroids: NDArray[np.float32]) -> Affine:
    """A point's squared distance from each centroid, less its own squared length."""
    return Affine(-2.0 * centroids.T, (centroids**2).sum(axis=1))


def _nearest(points: NDArray[np.float32], separation: Affine) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The nearest centroid of each point, and how far it lies."""
    squared = separation.of(points)
    nearest = squared.argmin(axis=1)
    distance = np.take_along_axis(squared, nearest[:, None], axis=1)[:, 0] + (points**2).sum(axis=1)
    return nearest, np.sqrt(np.maximum(distance, 0.0))


def _median_distance(prompts: NDArray[np.float32], rng: np.random.Generator) -> float:
    some = prompts[rng.permutation(len(prompts))[:1000]]
    half = len(some) // 2
    median = float(np.median(np.linalg.norm(some[:half] - some[half : 2 * half], axis=1)))
    return median if median > 0 else 1.0


def _range(parameters: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    slack = 1e-4 * np.maximum(1.0, np.abs(parameters).max(axis=0, initial=0.0))
    low, high = parameters.min(axis=0), parameters.max(axis=0)
    return (low - slack).astype(np.float32), (high + slack).astype(np.float32)
