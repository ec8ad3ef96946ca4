"""The second stage of a lens: the directions residuals vary in, how far out an image lies, and whether it is the
prompt's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitors.affine import Affine

_SHRINKAGE = 0.1  # of the mean eigenvalue, added to each before inversion
_CLIP = 4.0  # standard deviations: one wild image must not carry a window's mean
_MOST_DIRECTIONS = 32  # that prompts decide

NOVELTIES = ("residual_novelty", "image_novelty", "pairing")


@dataclass(frozen=True, eq=False)
class Novelty:
    """Log-Mahalanobis distances of residual and image, and pairing.

    Pairing is the logarithm of the density of the image given its prompt over its density given any prompt, both taken
    as normal: how much the image says about its prompt. It lies in the directions that prompts decide most (Fisher's
    discriminants), in which the residual has unit variance and the image `gains`.
    """

    residual_mean: NDArray[np.float32]
    residual_root: NDArray[np.float32]  # [dx, dx], root of the shrunk precision
    image_mean: NDArray[np.float32]
    image_root: NDArray[np.float32]
    discriminants: NDArray[np.float32]  # [dx, directions]
    gains: NDArray[np.float32]  # [directions], at least 1

    def distances(self, residuals: NDArray[np.float32], images: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, 3], in the order of `NOVELTIES`."""
        dimensions = residuals.shape[1]
        residual, image = self._residual.of(residuals) ** 2, self._image.of(images) ** 2
        given_own = residual[:, dimensions:].sum(axis=1)
        given_any = (image[:, dimensions:] / self.gains).sum(axis=1)
        distances = [np.log(each[:, :dimensions].sum(axis=1) + np.float32(1e-12)) for each in (residual, image)]
        return np.stack([*distances, (given_any - given_own) / np.float32(2.0)], axis=1)

    @cached_property
    def _residual(self) -> Affine:
        """Whitened, then in the directions that prompts decide."""
        return _centred(np.concatenate([self.residual_root, self.discriminants], axis=1), self.residual_mean)

    @cached_property
    def _image(self) -> Affine:
        return _centred(np.concatenate([self.image_root, self.discriminants], axis=1), self.image_mean)


@dataclass(frozen=True, eq=False)
class Components:
    """Whitened principal components of the residuals."""

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]  # [dx, components], whitening

    def project(self, residuals: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip((residuals - self.mean) @ self.axes, -_CLIP, _CLIP)


def fit_components(residuals: NDArray[np.float32], count: int) -> Components:
    values, vectors = _spectrum(residuals)
    axes = vectors[:, :count] / np.sqrt(np.maximum(values[:count], 1e-12))
    return Components(residuals.mean(axis=0), axes.astype(np.float32))


def fit_novelty(residuals: NDArray[np.float32], images: NDArray[np.float32], directions: int) -> Novelty:
    """Residuals must be of prompts the regression has not seen, or they look smaller than live ones will."""
    values, vectors = _spectrum(residuals)
    image_values, image_vectors = _spectrum(images)
    residual_root = _precision_root(values, vectors)
    spread = (image_vectors * (image_values + _SHRINKAGE * values.mean() + 1e-12)) @ image_vectors.T
    gains, turns = np.linalg.eigh(residual_root.T @ spread @ residual_root)
    decided = np.argsort(-gains)[: min(_MOST_DIRECTIONS, directions)]
    return Novelty(
        residual_mean=residuals.mean(axis=0),
        residual_root=residual_root,
        image_mean=images.mean(axis=0),
        image_root=_precision_root(image_values, image_vectors),
        discriminants=(residual_root @ turns[:, decided]).astype(np.float32),
        gains=np.maximum(gains[decided], 1.0).astype(np.float32),
    )


def _spectrum(rows: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, vectors = np.linalg.eigh(np.cov(rows.T.astype(np.float64)))
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def _precision_root(values: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.sqrt(values + _SHRINKAGE * values.mean() + 1e-12), dtype=np.float32)


def _centred(matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> Affine:
    return Affine(matrix, -mean @ matrix)
