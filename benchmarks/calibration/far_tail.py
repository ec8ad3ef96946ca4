"""The p-values that alarms are made of: how often a window's means look as odd as one in ten million, and are not.

No simulated month reaches that far, so the two halves of each window are drawn apart and every first half is put
together with every second one: a U-statistic (Hoeffding 1948), as unbiased as windows of their own and far more of
them. The sum of squares of two vectors' sum is all that is needed, so a matrix product makes all windows at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.calibration.traffic import World
from monitors.calibration import fourth_cumulant
from monitors.fitting import fit_lens
from monitors.hypotheses import heaviness
from monitors.lens import Lens
from monitors.sample import Sample

LEVELS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
SIZES = (50, 100, 200, 400)
_CHUNK = 2_000


@dataclass(frozen=True)
class Tail:
    """The share of windows of `n` generations with a p-value at or under each of `LEVELS`, and its standard error
    between disjoint groups of windows."""

    world: str
    baseline: int
    n: int
    halves: int
    share: tuple[float, ...]
    error: tuple[float, ...]


def far_tail(world: World, baseline: int, days: int, seed: int, groups: int = 8) -> list[Tail]:
    """Of a world in which nothing happens: the distribution of sampling alone, so the lens's own error is taken out
    by centring on the generations themselves, and each counts as one."""
    rng = np.random.default_rng((seed, 78))
    lens = fit_lens(world.baseline(baseline, rng), seed)
    whitened = np.concatenate([_judged(lens, stretch.sample) for day in range(days) for stretch in world.day(day, rng)])
    whitened -= whitened.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(whitened.T))
    whitened = whitened @ axes / np.sqrt(values)
    kurtosis = fourth_cumulant(whitened)
    return [_tail(world.name, baseline, n, whitened, kurtosis, groups) for n in SIZES]


def _judged(lens: Lens, sample: Sample) -> NDArray[np.float64]:
    features = lens.features(sample)
    return features.values[~features.unseen].astype(np.float64)


def _tail(name: str, baseline: int, n: int, whitened: NDArray[np.float64], kurtosis: float, groups: int) -> Tail:
    features = whitened.shape[1]
    half = n // 2
    halves = len(whitened) // half // (2 * groups) * (2 * groups)
    sums = np.add.reduceat(whitened[: halves * half], np.arange(0, halves * half, half), axis=0).astype(np.float32)
    heavy = float(heaviness(features, np.asarray(kurtosis / n)))
    # What the test compares the statistic with, for a baseline beyond doubt.
    critical = features * (1.0 - 2.0 * heavy) * special.fdtri(features, 1.0 / max(heavy, 1e-9), 1.0 - np.array(LEVELS))
    pairs = (np.array_split(each, 2) for each in np.array_split(sums, groups))
    shares = np.array([_share(first, second, critical * n) for first, second in pairs])
    error = shares.std(axis=0, ddof=1) / np.sqrt(groups)
    return Tail(name, baseline, n, halves, tuple(shares.mean(axis=0).tolist()), tuple(error.tolist()))


def _share(
    first: NDArray[np.float32], second: NDArray[np.float32], critical: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of pairs whose sum's squared length lies beyond each critical value."""
    own, other = (first**2).sum(axis=1), (second**2).sum(axis=1)
    beyond = np.zeros(len(critical))
    for start in range(0, len(first), _CHUNK):
        rows = slice(start, start + _CHUNK)
        squared = own[rows, None] + other + 2.0 * first[rows] @ second.T
        beyond += [(squared >= each).sum() for each in critical]
    return np.asarray(beyond / (len(first) * len(second)))
