"""A figure for people: a value with its interval, or a plain refusal where there is too little to say one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors import binomial

CONFIDENCE = 0.95
FEWEST_VALUES = 30
_GROUPS = 10
_FEWEST_GROUPS = 5
_BEYOND = 5.0  # values to be expected beyond a quantile before it is one


@dataclass(frozen=True)
class Estimate:
    """`low` and `high` bound the true value with a chance of `CONFIDENCE`; `n` generations say so."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class TooFew:
    """No figure: `n` generations are too few to say one, `needed` would do."""

    n: int
    needed: int


Figure: TypeAlias = Estimate | TooFew


def clustered_mean(values: NDArray[np.floating], prompt_keys: NDArray[np.uint64]) -> Figure:
    """The mean with a jackknife interval over groups of prompts: images of one prompt are no independent witnesses."""
    n = len(values)
    group = prompt_groups(prompt_keys, _GROUPS)
    sizes = np.bincount(group, minlength=_GROUPS)
    filled = sizes > 0
    if n < FEWEST_VALUES or filled.sum() < _FEWEST_GROUPS:
        return TooFew(n, max(FEWEST_VALUES, n + 1))
    sums = np.bincount(group, weights=values, minlength=_GROUPS)
    without = (sums.sum() - sums[filled]) / (n - sizes[filled])
    return jackknife(float(sums.sum() / n), without.tolist(), sizes[filled].tolist(), n)


def quantile_estimate(values: NDArray[np.floating], share: float) -> Figure:
    """A quantile between order statistics, with the interval that holds for every distribution (Conover 1999, 3.2)."""
    n = len(values)
    needed = max(FEWEST_VALUES, int(np.ceil(_BEYOND / min(share, 1.0 - share))))
    if n < needed:
        return TooFew(n, needed)
    ordered = np.sort(values)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = (binomial.quantile(chance, n, share) for chance in (tail, 1.0 - tail))
    bounds = ordered[max(low - 1, 0)], ordered[min(high, n - 1)]
    return Estimate(float(np.quantile(ordered, share)), float(bounds[0]), float(bounds[1]), n)


def rate_estimate(events: int, total: int) -> Figure:
    """A share with the exact interval of Clopper & Pearson (1934)."""
    if not 0 <= events <= total:
        raise ValueError(f"{events} events of {total} cannot be")
    if total < FEWEST_VALUES:
        return TooFew(total, FEWEST_VALUES)
    tail = (1.0 - CONFIDENCE) / 2.0
    low = special.betaincinv(events, total - events + 1, tail) if events else 0.0
    high = special.betaincinv(events + 1, total - events, 1.0 - tail) if events < total else 1.0
    return Estimate(events / total, float(low), float(high), total)


def student(value: float, error: float, degrees: float, n: int) -> Estimate:
    """Student's interval around a value with a standard error."""
    reach = error * float(special.stdtrit(degrees, 0.5 + CONFIDENCE / 2.0))
    return Estimate(value, value - reach, value + reach, n)


def jackknife(whole: float, without: Sequence[float], sizes: Sequence[int], n: int) -> Estimate:
    """The jackknife over groups of unequal size (Busing, Meijer & van der Leeden 1999, equations 5 and 6).

    `whole` is the statistic of everything, `without[g]` that of everything but group g, which holds `sizes[g]` of it.
    A bias of order 1/n cancels. Groups that share no prompt keep what repeats of a prompt have in common inside one.
    """
    left_out, size = np.asarray(without, np.float64), np.asarray(sizes, np.float64)
    groups, ratio = len(size), size.sum() / size
    value = groups * whole - float(((1.0 - size / size.sum()) * left_out).sum())
    pseudo = ratio * whole - (ratio - 1.0) * left_out
    variance = float(((pseudo - value) ** 2 / (ratio - 1.0)).mean())
    return student(value, float(np.sqrt(variance)), groups - 1, n)


def prompt_groups(prompt_keys: NDArray[np.uint64], groups: int) -> NDArray[np.intp]:
    """A group for each row, the same for all rows of one prompt, in every sample: the keys are hashes already."""
    return np.asarray(prompt_keys % np.uint64(groups), np.intp)
