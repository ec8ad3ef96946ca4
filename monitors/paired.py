"""Paired tests: the same prompts and seeds made before and after. Is the second output worse, or of another kind?

If nothing has changed, the two outputs of a pair could as well be swapped, so a difference is as likely as its
negative, whatever its distribution. Both tests look only at how a statistic lies among its values under changed signs.
Those signs form a group, so that P[p <= a] <= a holds for every sample size and for whichever group was drawn (Hemerik
and Goeman 2018, "Exact testing with random permutations", theorem 1).

A group of finite size cannot give a p-value below one in its size, which is too coarse for a budget of one false alarm
a month. Where the evidence is overwhelming a bound on sums of random signs takes over, which holds for every sample
too. The smaller of the two, doubled, is what is reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitors.binomial import at_least

_RANK = 14
"""Two to this power is the most sign patterns that are tried: 16,384, or all of them up to so many pairs."""
_TIES = 1e-9


@dataclass(frozen=True)
class PairedTest:
    """`effect` in the unit of the differences; `p_value` in (0, 1]."""

    effect: float
    p_value: float


def shift(differences: NDArray[np.floating]) -> PairedTest:
    """Whether vectors [n, d] moved in a common direction: ||sum of the differences|| against changed signs.

    The bound is Pinelis's for sums in a Hilbert space (1994, theorem 3.5): P[||sum|| >= r] <= 2 exp(-r^2 / 2V), V the
    sum of squared lengths. The effect is the length of the mean difference, freed from the share that chance alone
    gives it: sqrt((||sum||^2 - V) / (n (n - 1))), or 0.
    """
    rows = np.asarray(differences, dtype=np.float64)
    n = len(rows)
    power = float((rows**2).sum())
    if power == 0.0:
        return PairedTest(0.0, 1.0)
    sums = _squared_sums(rows, sign_flips(n))
    observed = float(sums[0])  # the first pattern changes no sign
    effect = math.sqrt(max(observed - power, 0.0) / (n * (n - 1))) if n > 1 else 0.0
    return PairedTest(effect, _combined(sums, observed, 2.0 * math.exp(-observed / (2.0 * power))))


def decrease(differences: NDArray[np.floating], margin: float = 0.0) -> PairedTest:
    """Whether numbers [n] went down, by more than `margin` on average: their sum against changed signs.

    The bound is Hoeffding's for sums of random signs (1963): P[sum <= -r] <= exp(-r^2 / 2V). The effect is the mean
    difference; a decrease is negative. A margin only ever raises the p-value.
    """
    values = np.asarray(differences, dtype=np.float64)
    lost = -(values + margin)
    power = float(lost @ lost)
    if power == 0.0:
        return PairedTest(float(values.mean()), 1.0)
    observed = float(lost.sum())
    bound = math.exp(-(observed**2) / (2.0 * power)) if observed > 0 else 1.0
    return PairedTest(float(values.mean()), _combined(sign_flips(len(lost)) @ lost, observed, bound))


def more_often(worse: int, better: int) -> float:
    """The p-value of `worse` pairs having turned bad where `better` ones turned good: the exact one-sided sign test."""
    return at_least(worse, worse + better, 0.5)


@lru_cache(maxsize=32)
def sign_flips(n: int) -> NDArray[np.float64]:
    """Sign patterns [b, n] that form a group under multiplication, the identity first: all, or a drawn subgroup."""
    one_by_one = 1.0 - 2.0 * np.eye(n)
    drawn = np.random.default_rng(n).choice((-1.0, 1.0), size=(_RANK, n))
    patterns = np.ones((1, n))
    for generator in one_by_one if n <= _RANK else drawn:
        patterns = np.concatenate([patterns, patterns * generator])
    patterns.setflags(write=False)
    return patterns


def _squared_sums(rows: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The squared length of the rows' sum under each sign pattern, by the smaller of two matrices."""
    if rows.shape[1] <= len(rows):
        return np.asarray(((signs @ rows) ** 2).sum(axis=1))
    return np.asarray(np.einsum("bi,bi->b", signs @ (rows @ rows.T), signs))


def _combined(flipped: NDArray[np.float64], observed: float, bound: float) -> float:
    share = float(np.mean(flipped >= observed - _TIES * abs(observed)))
    return min(1.0, 2.0 * min(share, bound))
