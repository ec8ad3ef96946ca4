"""How much more often something happens on the second side of pairs: the difference of two shares with its interval."""

from __future__ import annotations

import math

from scipy import optimize, special

from monitors.estimates import CONFIDENCE, FEWEST_VALUES, Estimate, Figure, TooFew


def rate_change(only_after: int, only_before: int, n: int) -> Figure:
    """The share of `n` pairs after, less the share before, where so many have it on one side only.

    The interval is Tango's score interval (1998, "Equivalence test and confidence interval for the difference in
    proportions for the paired-sample design"): it is honest where hardly a pair differs, or none.
    """
    if only_after < 0 or only_before < 0 or only_after + only_before > n:
        raise ValueError(f"{only_after} and {only_before} of {n} pairs cannot be")
    if n < FEWEST_VALUES:
        return TooFew(n, FEWEST_VALUES)
    critical = float(special.ndtri(0.5 + CONFIDENCE / 2.0))
    found = (only_after - only_before) / n

    def excess(change: float, bound: float) -> float:
        return _score(only_after, only_before, n, change) - bound

    low = -1.0 if found == -1.0 else optimize.brentq(excess, -1.0, found, args=(critical,))
    high = 1.0 if found == 1.0 else optimize.brentq(excess, found, 1.0, args=(-critical,))
    return Estimate(found, float(low), float(high), n)


def _score(b: int, c: int, n: int, change: float) -> float:
    """Tango's statistic of H0: the difference is `change`; it falls as `change` rises. `b` and `c` as in the paper."""
    deviation = b - c - n * change
    linear = -b - c + (2 * n - b + c) * change
    constant = -c * change * (1.0 - change)
    q = (math.sqrt(max(linear**2 - 8.0 * n * constant, 0.0)) - linear) / (4.0 * n)
    variance = n * (2.0 * q + change * (1.0 - change))
    if variance <= 0.0:
        return 0.0 if deviation == 0.0 else math.copysign(math.inf, deviation)
    return deviation / math.sqrt(variance)
