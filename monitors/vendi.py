"""Diversity as an effective number of directions that images vary in. For people, never an alarm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.estimates import Figure, TooFew, jackknife, prompt_groups
from monitors.frechet import Moments

GROUPS = 10
FEWEST = 200


def vendi_score(moments: Moments) -> float:
    """The centred Vendi score of order one: exp of the entropy of the covariance's eigenvalues, as shares of their sum
    (Friedman & Dieng 2023, the linear kernel of centred embeddings).

    From one, where all images differ along a single direction, to the number of dimensions. Uncentred, it *rises* when
    broken images join; and it grows with n, so that only equal numbers of images compare.
    """
    values = np.maximum(np.linalg.eigvalsh(moments.covariance), 0.0)
    if values.sum() <= 0.0:
        return 1.0
    shares = values[values > 0.0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def diversity(embeddings: NDArray[np.float32], prompts: NDArray[np.uint64], n: int) -> Figure:
    """The score of the first `n` embeddings [.., d], with a jackknife interval over groups of prompts.

    Choose the same `n` for all that is to be compared, and rows in an order that means nothing.
    """
    available = min(n, len(embeddings))
    if available < max(FEWEST, n):
        return TooFew(available, max(FEWEST, n))
    group = prompt_groups(prompts[:n], GROUPS)
    parts = [Moments.of(embeddings[:n][group == g]) for g in range(GROUPS)]
    whole = sum(parts[1:], start=parts[0])
    return jackknife(vendi_score(whole), [vendi_score(whole - part) for part in parts], [part.n for part in parts], n)


def diversity_change(before: NDArray[np.float32], after: NDArray[np.float32], prompts: NDArray[np.uint64]) -> Figure:
    """How much the score rose from images [n, d] to others of the same prompts, with a jackknife interval over them."""
    n = len(prompts)
    if n < FEWEST:
        return TooFew(n, FEWEST)
    group = prompt_groups(prompts, GROUPS)
    sides = [[Moments.of(side[group == g]) for g in range(GROUPS)] for side in (before, after)]
    old, new = (sum(parts[1:], start=parts[0]) for parts in sides)
    without = [vendi_score(new - b) - vendi_score(old - a) for a, b in zip(*sides, strict=True)]
    return jackknife(vendi_score(new) - vendi_score(old), without, [part.n for part in sides[0]], n)
