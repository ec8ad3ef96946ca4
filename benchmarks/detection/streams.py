"""Traffic as every detector sees it: ticks of five minutes and a hundred generations, a healthy day before the change.

A recorded day is played from each of its hours, wrapping around, so one recording gives a stream for each hour in it.
All detectors are given the same recordings.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

TICK = timedelta(minutes=5)
PER_TICK = 100
TICKS_AN_HOUR = timedelta(hours=1) // TICK
TICKS_A_DAY = timedelta(days=1) // TICK
PER_HOUR = PER_TICK * TICKS_AN_HOUR
PER_DAY = PER_TICK * TICKS_A_DAY
MONTH_DAYS = 30
TICKS_A_MONTH = MONTH_DAYS * TICKS_A_DAY
HOURS_A_MONTH = MONTH_DAYS * 24

Delays = NDArray[np.float64]
"""Generations from the change to the first alarm, for each stream; infinite where there was none."""


def starts(ticks: int, streams: int) -> range:
    """The ticks of a recording at which its streams begin: full hours, as far apart as can be."""
    hours = ticks // TICKS_AN_HOUR
    return range(0, ticks, max(hours // streams, 1) * TICKS_AN_HOUR)


def first_alarm(alarms: NDArray[np.bool_]) -> float:
    """Generations until the first alarm of ticks that begin with the change."""
    return float((alarms.argmax() + 1) * PER_TICK) if alarms.any() else np.inf
