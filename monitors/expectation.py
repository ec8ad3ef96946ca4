"""The first stage of a lens: which image embedding a request should give, and which requests the baseline knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from monitors.sample import Sample

# All parameters together move a request as far as half the median distance between two prompts.
_PARAMETER_WEIGHT = 0.5
_WAVE_SCALE = 0.25
_KNOWN_QUANTILE = 0.999
_RIDGES = np.logspace(-6, 0, 13)  # relative to the mean eigenvalue
_CLUSTERING_ROWS = 20_000
_FEWEST_IN_CLUSTER = 8


@dataclass(frozen=True, eq=False)
class Expectation:
    """Ridge regression of image embeddings on requests, linear and in random Fourier features (Rahimi & Recht 2007).

    A request is its prompt embedding and its standardised parameters, scaled so that two prompts typically lie one
    apart. `centroids` partition the requests; `reach` is the distance from them beyond which a request is unseen.
    """

    prompt_scale: float
    parameter_mean: NDArray[np.float32]
    parameter_weight: NDArray[np.float32]
    parameter_low: NDArray[np.float32]
    parameter_high: NDArray[np.float32]
    frequencies: NDArray[np.float32]  # [dp + dc, waves]
    coefficients: NDArray[np.float32]  # [dp + dc + 2 waves + 1, dx]
    centroids: NDArray[np.float32]  # [clusters, dp + dc]
    reach: float

    def requests(self, sample: Sample) -> NDArray[np.float32]:
        parameters = (sample.parameters - self.parameter_mean) * self.parameter_weight
        return np.concatenate([sample.prompts * np.float32(self.prompt_scale), parameters], axis=1)

    def residuals(self, requests: NDArray[np.float32], images: NDArray[np.float32]) -> NDArray[np.float32]:
        expected: NDArray[np.float32] = _design(requests, self.frequencies) @ self.coefficients[:-1]
        expected += self.coefficients[-1]
        return np.subtract(images, expected, dtype=np.float32)

    def place(self, sample: Sample, requests: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The cluster of each request, and whether it lies outside everything the baseline has seen."""
        cluster, distance = _nearest(requests, self.centroids)
        outside = (sample.parameters < self.parameter_low) | (sample.parameters > self.parameter_high)
        return cluster, (distance > self.reach) | outside.any(axis=1)


def fit_expectation(
    regression: Sample, clustering: Sample, calibration: Sample, clusters: int, waves: int, rng: np.random.Generator
) -> Expectation:
    """Fit the regression on one split, the partition on `clustering`, and its reach on the split held out from both."""
    prompt_scale = 1.0 / _median_distance(regression.prompts, rng)
    mean = clustering.parameters.mean(axis=0)
    deviation = clustering.parameters.std(axis=0)
    varies = deviation > 1e-6
    weight = np.where(varies, _PARAMETER_WEIGHT / np.sqrt(max(1, varies.sum())) / np.where(varies, deviation, 1.0), 0.0)
    low, high = _range(np.concatenate([clustering.parameters, calibration.parameters]))
    dimensions = regression.prompts.shape[1] + regression.parameters.shape[1]
    unfitted = Expectation(
        prompt_scale=prompt_scale,
        parameter_mean=mean.astype(np.float32),
        parameter_weight=weight.astype(np.float32),
        parameter_low=low,
        parameter_high=high,
        frequencies=rng.standard_normal((dimensions, waves), dtype=np.float32),
        coefficients=np.empty((0, 0), np.float32),
        centroids=np.empty((0, 0), np.float32),
        reach=0.0,
    )
    held_out = unfitted.requests(calibration)
    centroids = _partition(unfitted.requests(clustering), held_out, clusters, rng)
    _, distance = _nearest(held_out, centroids)
    design = _design(unfitted.requests(regression), unfitted.frequencies)
    return replace(
        unfitted,
        coefficients=_ridge(design.astype(np.float64), regression.images.astype(np.float64)),
        centroids=centroids,
        reach=float(np.quantile(distance, _KNOWN_QUANTILE)),
    )


def _design(requests: NDArray[np.float32], frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    phase = requests @ frequencies
    scale = np.float32(_WAVE_SCALE)
    return np.concatenate([requests, np.cos(phase) * scale, np.sin(phase) * scale], axis=1)


def _ridge(design: NDArray[np.float64], images: NDArray[np.float64]) -> NDArray[np.float32]:
    """Ridge coefficients, the intercept last; penalty by generalised cross-validation (Golub, Heath & Wahba 1979)."""
    n = len(design)
    design_mean, image_mean = design.mean(axis=0), images.mean(axis=0)
    centred, target = design - design_mean, images - image_mean
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    projected = vectors.T @ (centred.T @ target)
    energy = (projected**2).sum(axis=1)
    total = (target**2).sum()

    def generalised_error(penalty: float) -> float:
        shrunk = eigenvalues + penalty
        residual = total - (energy * (2.0 / shrunk - eigenvalues / shrunk**2)).sum()
        freedom = (eigenvalues / shrunk).sum() + 1.0
        return float(residual / max(1.0 - freedom / n, 1e-3) ** 2)

    penalty = min(_RIDGES * max(eigenvalues.mean(), 1e-12), key=generalised_error)
    slopes = vectors @ (projected / (eigenvalues + penalty)[:, None])
    return np.concatenate([slopes, (image_mean - design_mean @ slopes)[None]]).astype(np.float32)


def _partition(
    requests: NDArray[np.float32], held_out: NDArray[np.float32], clusters: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """k-means centroids; those that would be left with next to no calibration are given up to their neighbours."""
    rows = rng.permutation(len(requests))[:_CLUSTERING_ROWS]
    chosen = requests[np.sort(rows)]
    wanted = min(clusters, len(np.unique(chosen, axis=0)))
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
