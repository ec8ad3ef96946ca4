"""Maximum mean discrepancy with a Gaussian kernel, from sums that merge by addition. For people, never an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.estimates import Figure, TooFew, jackknife, prompt_groups

GROUPS = 20
CMMD_BANDWIDTH = 10.0
CMMD_SCALE = 1000.0
_FEWEST = 200
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """Random Fourier features of the kernel exp(-|x - y|^2 / (2 bandwidth^2)) (Rahimi & Recht 2007).

    Each maps to a vector of length one, so that k(x, x) = 1 exactly.
    """

    frequencies: NDArray[np.float32]  # [d, count]

    @classmethod
    def draw(
        cls, dimensions: int, *, count: int = 1024, bandwidth: float = CMMD_BANDWIDTH, seed: int = 0
    ) -> RandomFeatures:
        rng = np.random.default_rng(seed)
        return cls((rng.standard_normal((dimensions, count)) / bandwidth).astype(np.float32))

    def sums(self, embeddings: NDArray[np.float32]) -> FeatureSums:
        total = np.zeros(2 * self.frequencies.shape[1])
        for start in range(0, len(embeddings), _ROWS_AT_ONCE):
            phase = embeddings[start : start + _ROWS_AT_ONCE] @ self.frequencies
            total += np.concatenate(
                [np.cos(phase).sum(axis=0, dtype=np.float64), np.sin(phase).sum(axis=0, dtype=np.float64)]
            )
        return FeatureSums(len(embeddings), total / np.sqrt(self.frequencies.shape[1]))


@dataclass(frozen=True, eq=False)
class FeatureSums:
    """The sum of the features of n embeddings: all that a discrepancy needs to know of them."""

    n: int
    total: NDArray[np.float64]  # [2 count]

    def __add__(self, other: FeatureSums) -> FeatureSums:
        return FeatureSums(self.n + other.n, self.total + other.total)

    def __sub__(self, other: FeatureSums) -> FeatureSums:
        return FeatureSums(self.n - other.n, self.total - other.total)


def squared_mmd(a: FeatureSums, b: FeatureSums) -> float:
    """(|A|^2 - n)/(n(n-1)) + (|B|^2 - m)/(m(m-1)) - 2 A.B/(nm): unbiased (Gretton et al. 2012, equation 3), so that it
    lies around zero, and half the time below, where nothing differs. A feature's length being one gives the n and m."""
    n, m = a.n, b.n
    within_a = (float(a.total @ a.total) - n) / (n * (n - 1))
    within_b = (float(b.total @ b.total) - m) / (m * (m - 1))
    return within_a + within_b - 2.0 * float(a.total @ b.total) / (n * m)


def grouped_sums(
    features: RandomFeatures, embeddings: NDArray[np.float32], prompts: NDArray[np.uint64]
) -> list[FeatureSums]:
    group = prompt_groups(prompts, GROUPS)
    return [features.sums(embeddings[group == g]) for g in range(GROUPS)]


def cmmd(a: Sequence[FeatureSums], b: Sequence[FeatureSums]) -> Figure:
    """CMMD (Jayasumana et al. 2024): 1000 times the squared discrepancy of unit embeddings at a bandwidth of 10.

    Theirs keeps each image's likeness to itself, which adds about 1000 (1 - mean kernel) (1/n + 1/m); this one does
    not, and approximates the kernel. `a` and `b` are `grouped_sums` through the same features; the interval is the
    jackknife's over groups of prompts.
    """
    a_all, b_all = (sum(rest, start=first) for first, *rest in (a, b))
    n = min(a_all.n, b_all.n)
    if n < _FEWEST:
        return TooFew(n, _FEWEST)
    without = [CMMD_SCALE * squared_mmd(a_all - x, b_all - y) for x, y in zip(a, b, strict=True)]
    sizes = [x.n + y.n for x, y in zip(a, b, strict=True)]
    return jackknife(CMMD_SCALE * squared_mmd(a_all, b_all), without, sizes, n)
