"""CLIP-FD: the Frechet distance between Gaussians fitted to two samples of embeddings. For people, never an alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.estimates import Figure, TooFew, jackknife, prompt_groups

GROUPS = 10
# Below three images a dimension the bias is no longer of order 1/n, and the jackknife does not take it away.
_IMAGES_PER_DIMENSION = 3


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of n embeddings and of their outer products: they merge by addition, and groups come out by subtraction."""

    n: int
    total: NDArray[np.float64]  # [d]
    outer: NDArray[np.float64]  # [d, d]

    @classmethod
    def of(cls, embeddings: NDArray[np.float32]) -> Moments:
        rows = embeddings.astype(np.float64)
        return cls(len(rows), rows.sum(axis=0), rows.T @ rows)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.outer + other.outer)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.n - other.n, self.total - other.total, self.outer - other.outer)

    @property
    def mean(self) -> NDArray[np.float64]:
        return self.total / self.n

    @property
    def covariance(self) -> NDArray[np.float64]:
        return np.asarray((self.outer - np.outer(self.total, self.mean)) / (self.n - 1))


def frechet_distance(a: Moments, b: Moments) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2) (Dowson & Landau 1982; as FID: Heusel et al. 2017).

    The root's trace is the sum of the roots of the eigenvalues of a symmetric matrix: no general matrix root is needed.
    Biased upwards by about c/n, with a c that differs between generators (Chong & Forsyth 2020): never compare two
    distances of different n, nor one with a fixed threshold. `clip_fd` takes that bias away.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    between = np.linalg.eigvalsh(root @ b.covariance @ root)
    apart = float(((a.mean - b.mean) ** 2).sum())
    spread = float(np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * np.sqrt(np.maximum(between, 0.0)).sum())
    return apart + spread


def clip_fd(
    a: NDArray[np.float32], b: NDArray[np.float32], a_prompts: NDArray[np.uint64], b_prompts: NDArray[np.uint64]
) -> Figure:
    """The distance of embeddings [n, d] and [m, d] without its bias, with a jackknife interval over groups of prompts.

    It may come out below zero where the two hardly differ.
    """
    n, needed = min(len(a), len(b)), _IMAGES_PER_DIMENSION * a.shape[1]
    if n < needed:
        return TooFew(n, needed)
    a_groups, b_groups = _grouped(a, a_prompts), _grouped(b, b_prompts)
    a_all, b_all = (sum(rest, start=first) for first, *rest in (a_groups, b_groups))
    without = [frechet_distance(a_all - x, b_all - y) for x, y in zip(a_groups, b_groups, strict=True)]
    sizes = [x.n + y.n for x, y in zip(a_groups, b_groups, strict=True)]
    return jackknife(frechet_distance(a_all, b_all), without, sizes, n)


def _grouped(embeddings: NDArray[np.float32], prompts: NDArray[np.uint64]) -> list[Moments]:
    group = prompt_groups(prompts, GROUPS)
    return [Moments.of(embeddings[group == g]) for g in range(GROUPS)]
