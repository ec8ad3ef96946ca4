"""Tests that may be looked at after every observation: is a mean loss above what is tolerated, or below a margin?

Each is a bet against its null hypothesis (Waudby-Smith & Ramdas, "Estimating means of bounded random variables by
betting", JRSS B 86, 2024). Bettors that stake fixed fractions multiply their wealth by 1 + s (x - bound) with each
observation x; while the conditional mean of x is at most the bound, the average of their wealths (the diversified
Kelly bet of section B.3 there) is a non-negative supermartingale that starts at 1. So it ever reaches 1 / alpha with a
probability of at most alpha (Ville 1939), however often and whenever one looks, and whatever decides when one stops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.verdict import Json

# Of the largest stake that can never be ruined. The boldest decides in few observations what is plain, the most
# cautious in many what is small; a mixture of eight costs at most the logarithm of eight.
_FRACTIONS = np.array([0.95, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125])


@dataclass(frozen=True)
class Evidence:
    """What is held against a mean: the logarithm of each bettor's wealth, and of the most they ever had on average."""

    log_wealths: tuple[float, ...] = (0.0,) * len(_FRACTIONS)
    log_peak: float = 0.0

    @property
    def p_value(self) -> float:
        """Anytime-valid: under the null hypothesis it is ever at most alpha with a probability of at most alpha."""
        return math.exp(-self.log_peak)

    def after(self, gains: NDArray[np.floating], most_to_lose: float) -> Evidence:
        """With the observations' distances [n] from the bound, in their order; none is below -`most_to_lose`."""
        if not len(gains):
            return self
        if gains.min() < -most_to_lose * (1 + 1e-9):
            raise ValueError(f"no observation may lose more than {most_to_lose}; one loses {-gains.min()}")
        stakes = _FRACTIONS / most_to_lose
        paths = np.array(self.log_wealths) + np.cumsum(np.log1p(np.asarray(gains, float)[:, None] * stakes), axis=0)
        highest = paths.max(axis=1)
        average = highest + np.log(np.exp(paths - highest[:, None]).mean(axis=1))
        return Evidence(tuple(float(each) for each in paths[-1]), max(self.log_peak, float(average.max())))


@dataclass(frozen=True)
class Question:
    """Losses lie in [-bound, bound]. Up to `tolerance` their mean is no loss at all; from `margin` on it is one that
    must not be passed."""

    bound: float
    tolerance: float
    margin: float

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < self.margin < self.bound:
            raise ValueError("a question needs 0 <= tolerance < margin < bound")


@dataclass(frozen=True)
class Trial:
    """How far both halves of a question are answered. `total` is the sum of `n` losses."""

    n: int = 0
    total: float = 0.0
    worse: Evidence = Evidence()
    """Against a mean loss within the tolerance."""
    no_worse: Evidence = Evidence()
    """Against a mean loss of the margin or more."""

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None

    def after(self, losses: NDArray[np.floating], question: Question) -> Trial:
        """With further losses [n], in the order in which they came; those beyond the bound count as the bound."""
        clipped = np.clip(np.asarray(losses, dtype=np.float64), -question.bound, question.bound)
        return Trial(
            self.n + len(clipped),
            self.total + float(clipped.sum()),
            self.worse.after(clipped - question.tolerance, question.bound + question.tolerance),
            self.no_worse.after(question.margin - clipped, question.bound - question.margin),
        )

    def to_dict(self) -> dict[str, Json]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trial:
        return cls(data["n"], data["total"], _evidence(data["worse"]), _evidence(data["no_worse"]))


def _evidence(data: Mapping[str, Any]) -> Evidence:
    return Evidence(tuple(data["log_wealths"]), data["log_peak"])


def group_means(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> tuple[NDArray[np.float64], ...]:
    """Two samples [n] and [m] as min(n, m) groups each, by their order, and the groups' means.

    The difference of two groups' means has the mean of the difference of the samples', and the groups share nothing:
    that is what makes them observations of one bet after the other. All of both samples is used.
    """
    count = min(len(ours), len(theirs))
    if not count:
        return np.zeros(0), np.zeros(0)
    return tuple(np.array([part.mean() for part in np.array_split(each, count)]) for each in (ours, theirs))
