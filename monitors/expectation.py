"""The first stage of a lens: which image and which scalars a request should give, and which requests are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitors.sample import Sample

# All parameters together move a request as far as half the median distance between two prompts.
_PARAMETER_WEIGHT = 0.5
_WAVE_SCALE = 0.25
_KNOWN_QUANTILE = 0.999
_RIDGES = np.logspace(-6, 3, 19)  # relative to the mean eigenvalue
_CLUSTERING_ROWS = 20_000
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
class Expectation:
    """Ridge regressions on requests, linear and in random Fourier features (Rahimi & Recht 2007).

    A request is its prompt embedding and its standardised parameters, scaled so that two prompts typically lie one
    apart. `centroids` partition the requests; `reach` is the distance from them beyond which a request is unseen.
    """

    prompt_scale: float
    parameter_mean: NDArray[np.float32]
    parameter_weight: NDArray[np.float32]
    parameter_low: NDArray[np.float32]
    parameter_high: NDArray[np.float32]
    frequencies: NDArray[np.float32]  # [dp + dc, waves]
    coefficients: NDArray[np.float32]  # [dp + dc + 2 waves + 1, dx + scalars], the intercept last
    leverage: NDArray[np.float32]  # [dp + dc + 2 waves + 1, directions], likewise
    centroids: NDArray[np.float32]  # [clusters, dp + dc]
    reach: float

    def requests(self, sample: Sample) -> NDArray[np.float32]:
        parameters = (sample.parameters - self.parameter_mean) * self.parameter_weight
        return np.concatenate([sample.prompts * np.float32(self.prompt_scale), parameters], axis=1)

    def look(self, requests: NDArray[np.float32], sample: Sample) -> Look:
        design = _design(requests, self.frequencies)
        expected: NDArray[np.float32] = design @ self.coefficients[:-1] + self.coefficients[-1]
        dimensions = sample.images.shape[1]
        return Look(
            residuals=sample.images - expected[:, :dimensions],
            scalars=sample.scalars - expected[:, dimensions:],
            leverage=design @ self.leverage[:-1] + self.leverage[-1],
        )

    def place(self, sample: Sample, requests: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The cluster of each request, and whether it lies outside everything the baseline has seen."""
        cluster, distance = _nearest(requests, self.centroids)
        outside = (sample.parameters < self.parameter_low) | (sample.parameters > self.parameter_high)
        return cluster, (distance > self.reach) | outside.any(axis=1)


def fit_expectation(
    regression: Sample, validation: Sample, calibration: Sample, clusters: int, waves: int, rng: np.random.Generator
) -> Expectation:
    """Fit the regressions on one split, with penalties that do best on another; partition both, reach as the third."""
    seen = Sample.concatenate([regression, validation])
    prompt_scale = 1.0 / _median_distance(regression.prompts, rng)
    mean = seen.parameters.mean(axis=0)
    deviation = seen.parameters.std(axis=0)
    varies = deviation > 1e-6
    weight = np.where(varies, _PARAMETER_WEIGHT / np.sqrt(max(1, varies.sum())) / np.where(varies, deviation, 1.0), 0.0)
    low, high = _range(np.concatenate([seen.parameters, calibration.parameters]))
    dimensions = regression.prompts.shape[1] + regression.parameters.shape[1]
    unfitted = Expectation(
        prompt_scale=prompt_scale,
        parameter_mean=mean.astype(np.float32),
        parameter_weight=weight.astype(np.float32),
        parameter_low=low,
        parameter_high=high,
        frequencies=rng.standard_normal((dimensions, waves), dtype=np.float32),
        coefficients=np.empty((0, 0), np.float32),
        leverage=np.empty((0, 0), np.float32),
        centroids=np.empty((0, 0), np.float32),
        reach=0.0,
    )
    new = unfitted.requests(calibration)
    centroids = _partition(unfitted.requests(seen), new, clusters, rng)
    _, distance = _nearest(new, centroids)
    design, held_design = (_design(unfitted.requests(each), unfitted.frequencies) for each in (regression, validation))
    ridge = _Ridge(design, held_design)
    penalties, coefficients = zip(
        *(
            ridge.fitted(target, held_target)
            for target, held_target in zip(_targets(regression), _targets(validation), strict=True)
        ),
        strict=True,
    )
    return replace(
        unfitted,
        coefficients=np.concatenate(coefficients, axis=1),
        leverage=ridge.leverage(penalties[0], rng),
        centroids=centroids,
        reach=float(np.quantile(distance, _KNOWN_QUANTILE)),
    )


def _design(requests: NDArray[np.float32], frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    phase = requests @ frequencies
    scale = np.float32(_WAVE_SCALE)
    return np.concatenate([requests, np.cos(phase) * scale, np.sin(phase) * scale], axis=1)


def _targets(sample: Sample) -> list[NDArray[np.float32]]:
    """Each with a penalty of its own: the images together, and every scalar."""
    return [sample.images, *np.hsplit(sample.scalars, sample.scalars.shape[1])]


class _Ridge:
    """Ridge regressions on one design, each with the penalty of least error on held-out prompts.

    Not by cross-validation within the sample: repeated prompts would vouch for each other.
    """

    def __init__(self, design: NDArray[np.float32], held_design: NDArray[np.float32]) -> None:
        self._mean = design.mean(axis=0, dtype=np.float64)
        self._centred = design - self._mean
        values, self._vectors = np.linalg.eigh(self._centred.T @ self._centred)
        self._values = np.maximum(values, 0.0)
        self._held = (held_design - self._mean) @ self._vectors
        self._moments = self._held.T @ self._held

    def fitted(
        self, target: NDArray[np.float32], held_target: NDArray[np.float32]
    ) -> tuple[float, NDArray[np.float32]]:
        """The penalty, and the coefficients with the intercept last."""
        mean = target.mean(axis=0, dtype=np.float64)
        projected = self._vectors.T @ (self._centred.T @ (target - mean))
        products = self._held.T @ (held_target - mean)

        def held_out_error(penalty: float) -> float:
            solution = projected / (self._values + penalty)[:, None]
            return float((solution * (self._moments @ solution - 2.0 * products)).sum())

        penalty = min(_RIDGES * max(self._values.mean(), 1e-12), key=held_out_error)
        return float(penalty), self._with_intercept(
            self._vectors @ (projected / (self._values + penalty)[:, None]), mean
        )

    def leverage(self, penalty: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random projection of the root of the coefficients' posterior covariance, in units of the noise."""
        root = self._vectors / np.sqrt(self._values + penalty)
        directions = rng.standard_normal((root.shape[1], _LEVERAGE_DIRECTIONS)) / np.sqrt(_LEVERAGE_DIRECTIONS)
        return self._with_intercept(root @ directions, np.zeros(_LEVERAGE_DIRECTIONS))

    def _with_intercept(self, slopes: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.concatenate([slopes, (mean - self._mean @ slopes)[None]]).astype(np.float32)


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
        cluster, _ = _nearest(held_out, centroids)
        counts = np.bincount(cluster, minlength=len(centroids))
        if counts.min() >= _FEWEST_IN_CLUSTER:
            break
        centroids = np.delete(centroids, counts.argmin(), axis=0)
    return centroids


def _nearest(
    points: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    squared = (centroids**2).sum(axis=1) - 2.0 * (points @ centroids.T)
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
