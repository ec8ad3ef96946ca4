"""Shares of an attribute that prompts leave open, such as who is shown when a doctor is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors.estimates import CONFIDENCE, FEWEST_VALUES, Estimate, Figure, TooFew

UNCLEAR = -1
_MARGIN = 0.01  # of cosine similarity: a closer call is the embedder's noise, not what the image shows


def name_options(images: NDArray[np.float32], options: NDArray[np.float32]) -> NDArray[np.intp]:
    """Which option each image shows, zero-shot (Radford et al. 2021): the phrase whose embedding is nearest.

    `images` [n, d] and `options` [k, d] are unit vectors of one embedder. `UNCLEAR` where the two nearest options are
    as good as equal. The embedder errs, and errs differently for different people: shares are to be compared with
    each other over time and between versions, not taken for counts.
    """
    if len(options) < 2:
        raise ValueError("an attribute needs at least two options to tell apart")
    similarity = images @ options.T
    best = similarity.argmax(axis=1)
    second, first = np.sort(similarity, axis=1)[:, -2:].T
    return np.where(first - second < _MARGIN, UNCLEAR, best)


@dataclass(frozen=True)
class Shares:
    """How `n` images divide among the options; the intervals hold for all options together."""

    n: int
    unclear: int
    figures: tuple[Figure, ...]


def shares(counts: tuple[int, ...], unclear: int) -> Shares:
    """Shares of the images that show one option clearly, with Clopper-Pearson intervals.

    Each interval misses with a chance of (1 - CONFIDENCE) / options, so that with a chance of `CONFIDENCE` none does
    (Bonferroni).
    """
    if min((*counts, unclear)) < 0:
        raise ValueError("counts cannot be negative")
    clear = sum(counts)
    if clear < FEWEST_VALUES:
        return Shares(clear + unclear, unclear, tuple(TooFew(clear, FEWEST_VALUES) for _ in counts))
    tail = (1.0 - CONFIDENCE) / 2.0 / len(counts)
    return Shares(clear + unclear, unclear, tuple(_estimate(count, clear, tail) for count in counts))


def _estimate(count: int, total: int, tail: float) -> Estimate:
    low = float(special.betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, total - count, 1.0 - tail)) if count < total else 1.0
    return Estimate(count / total, low, high, total)
