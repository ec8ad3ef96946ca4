"""Safelight's own detector: nothing is calibrated for it, its level follows from its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.streams import PER_TICK, TICK
from monitors.budget import AlarmBudget
from monitors.lens import Features, Lens
from monitors.scan import TESTS_PER_WINDOW, scan
from monitors.sketch import Sketch
from monitors.verdict import Health, Verdict
from monitors.windows import Bucket, window_count

LONGEST = timedelta(days=1)
_TICKS = LONGEST // TICK
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """Sketches of the ticks of one slice of traffic, before the change and after it."""

    before: Sequence[Sketch]
    after: Sequence[Sketch]

    def until(self, tick: int) -> Sequence[Sketch]:
        """What the longest window holds when so many ticks have passed since the change."""
        return [*self.before[tick - _TICKS :], *self.after[:tick]][-_TICKS:]


@dataclass(frozen=True)
class Watch:
    """One false alarm in 30 days, over all windows, tests and slices."""

    lens: Lens
    slices: int = 1

    @property
    def alpha(self) -> float:
        return AlarmBudget(1.0, TICK, window_count(TICK, LONGEST), TESTS_PER_WINDOW, self.slices).alpha

    def verdict(self, buckets: Sequence[Bucket[Sketch]]) -> Verdict:
        """Of the newest tick, given those of at most a day."""
        return scan(self.lens, buckets, alpha=self.alpha, width=TICK, longest=LONGEST)

    def delay(self, lines: Sequence[Line]) -> float:
        """Generations of the whole traffic from the change to the first alarm of any line; infinite without one."""
        for tick in range(1, len(lines[0].after) + 1):
            if any(self.alarms(line.until(tick)) for line in lines):
                return float(tick * PER_TICK)
        return np.inf

    def alarms(self, sketches: Sequence[Sketch]) -> bool:
        return self.verdict(in_a_row(sketches)).health is Health.DEGRADED


def in_a_row(sketches: Sequence[Sketch]) -> list[Bucket[Sketch]]:
    return [Bucket(_EPOCH + number * TICK, sketch) for number, sketch in enumerate(sketches)]


def tick_sketches(features: Features, which: NDArray[np.bool_] | None = None) -> list[Sketch]:
    """A sketch for each tick; of the generations `which` only, if that is given."""
    ticks = np.arange(len(features)).reshape(-1, PER_TICK)
    return [Sketch.of(features.take(tick if which is None else tick[which[tick]])) for tick in ticks]
