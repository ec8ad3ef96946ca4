"""Whether a figure drifts from day to day, too slowly for any window of a day. For people, never an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitors.estimates import CONFIDENCE, Estimate, Figure, TooFew

FEWEST_DAYS = 7


@dataclass(frozen=True)
class Trend:
    """`slope` a day, and the chance of so steady a rise or fall among days in random order; 1 where it is refused."""

    slope: Figure
    p_value: float

    @property
    def steady(self) -> bool:
        """Whether the interval of the slope and the test of order agree that there is one."""
        within = isinstance(self.slope, Estimate) and (self.slope.low > 0 or self.slope.high < 0)
        return within and self.p_value < 1.0 - CONFIDENCE


def trend(days: Sequence[float], values: Sequence[float]) -> Trend:
    """The median of all slopes between two days, with its interval (Theil 1950, Sen 1968), and Kendall's test of order
    (1938; Mann 1945). Neither minds a wild day. `days` are numbers of days, rising; gaps do no harm.
    """
    n = len(values)
    if n < FEWEST_DAYS:
        return Trend(TooFew(n, FEWEST_DAYS), 1.0)
    from scipy import stats  # half a second to import, and needed once a day

    slope = stats.theilslopes(np.asarray(values, float), np.asarray(days, float), alpha=CONFIDENCE)
    order = stats.kendalltau(days, values)
    p_value = 1.0 if np.isnan(order.pvalue) else float(order.pvalue)
    return Trend(Estimate(float(slope.slope), float(slope.low_slope), float(slope.high_slope), n), p_value)
