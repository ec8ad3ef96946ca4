"""KID: squared maximum mean discrepancy with a cubic kernel, estimated block by block. For people, never an alarm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.estimates import Figure, TooFew, prompt_groups, student

BLOCKS = 10
_FEWEST_IN_BLOCK = 50


def kernel_distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The unbiased squared discrepancy of embeddings [n, d] and [m, d] (Binkowski et al. 2018, kernel (x.y/d + 1)^3).

    Unit vectors are taken as if they were of length sqrt(d), the usual length of what the kernel was made for: a
    product is then their cosine.
    """
    n, m = len(a), len(b)
    within_a, within_b, across = _kernel(a, a), _kernel(b, b), _kernel(a, b)
    return float(
        (within_a.sum() - np.trace(within_a)) / (n * (n - 1))
        + (within_b.sum() - np.trace(within_b)) / (m * (m - 1))
        - 2.0 * across.mean()
    )


def kid(
    a: NDArray[np.float32], b: NDArray[np.float32], a_prompts: NDArray[np.uint64], b_prompts: NDArray[np.uint64]
) -> Figure:
    """The mean over blocks that share no prompt, weighted by their sizes, with Student's interval between them."""
    a_group, b_group = prompt_groups(a_prompts, BLOCKS), prompt_groups(b_prompts, BLOCKS)
    sizes = np.minimum(np.bincount(a_group, minlength=BLOCKS), np.bincount(b_group, minlength=BLOCKS))
    n = min(len(a), len(b))
    if sizes.min() < _FEWEST_IN_BLOCK:
        return TooFew(n, max(2 * BLOCKS * _FEWEST_IN_BLOCK, n + 1))
    blocks = np.array([kernel_distance(a[a_group == g], b[b_group == g]) for g in range(BLOCKS)])
    weight = sizes / sizes.sum()
    value = float(weight @ blocks)
    error = float(np.sqrt((weight**2 * (blocks - value) ** 2).sum() * BLOCKS / (BLOCKS - 1)))
    return student(value, error, BLOCKS - 1, n)


def _kernel(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray((a.astype(np.float64) @ b.astype(np.float64).T + 1.0) ** 3)
