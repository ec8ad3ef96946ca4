"""Peers that keep sums and look at every tick: random-feature MMD and a plain CLIPScore test.

Their thresholds are oracles': healthy months of the same world are simulated, and the threshold is set so that one tick
a month lies above it. Nobody can do that in production; it gives each peer the most power it can have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.streams import (
    PER_TICK,
    TICKS_A_DAY,
    TICKS_A_MONTH,
    TICKS_AN_HOUR,
    first_alarm,
)
from monitors.sample import ALIGNMENT, Sample

Columns = Callable[[Sample], NDArray[np.float32]]
Departure = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_RANDOM_FEATURES = 512
_TICKS_AT_ONCE = 64

AN_HOUR = (TICKS_AN_HOUR,)
DYADIC = (*(2**power for power in range(9)), TICKS_A_DAY)


@dataclass(frozen=True, eq=False)
class Streaming:
    """`columns` [n, k] are summed tick by tick; `departure` says how far the means [ticks, k] of a window are off.

    Where there are several windows, each one's departures are standardised as in a healthy month; the largest counts.
    """

    name: str
    columns: Columns
    departure: Departure
    windows: tuple[int, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    threshold: float = np.inf

    def calibrated(self, healthy: Sample, months: int, seed: int) -> Streaming:
        """With the threshold of one alarmed tick a month."""
        columns, rng = self.columns(healthy), np.random.default_rng(seed)
        raw = [self._departures(_healthy_month(columns, rng)) for _ in range(months)]
        together = np.concatenate([each[:, max(self.windows) :] for each in raw], axis=1)
        standard = replace(self, centre=together.mean(axis=1), scale=together.std(axis=1))
        largest = standard._largest  # noqa: SLF001 - its own kind
        scores = np.sort(np.concatenate([largest(each) for each in raw]))
        return replace(standard, threshold=float(scores[-months]))

    def delay(self, before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
        """Generations to the first alarm, from sums of the ticks before the change and after it."""
        return first_alarm(self.alarms(np.concatenate([before, after]))[len(before) :])

    def alarms(self, sums: NDArray[np.floating]) -> NDArray[np.bool_]:
        """For each tick of a stream of sums [ticks, k]."""
        return self._largest(self._departures(sums)) > self.threshold

    def _largest(self, departures: NDArray[np.float64]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = ((departures - self.centre[:, None]) / self.scale[:, None]).max(axis=0)
        return scores

    def _departures(self, sums: NDArray[np.floating]) -> NDArray[np.float64]:
        """[windows, ticks]; minus infinity until a window is full."""
        total = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0, dtype=np.float64)])
        departures = np.full((len(self.windows), len(sums)), -np.inf)
        for row, window in enumerate(self.windows):
            departures[row, window - 1 :] = self.departure((total[window:] - total[:-window]) / (window * PER_TICK))
        return departures


def random_feature_mmd(name: str, rows: Columns, baseline: Sample, windows: tuple[int, ...], seed: int) -> Streaming:
    """The squared distance of means in random Fourier features of a Gaussian kernel (Rahimi & Recht 2007), whose width
    is the median distance."""
    rng = np.random.default_rng(seed)
    some = rows(baseline)[:2000]
    squared = ((some[:1000] - some[1000:]) ** 2).sum(axis=1)
    frequencies = rng.standard_normal((some.shape[1], _RANDOM_FEATURES), dtype=np.float32)
    frequencies *= np.sqrt(2.0 / np.median(squared))

    def columns(sample: Sample) -> NDArray[np.float32]:
        phase = rows(sample) @ frequencies
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)

    usual = columns(baseline).mean(axis=0, dtype=np.float64)

    def departure(means: NDArray[np.float64]) -> NDArray[np.float64]:
        squared: NDArray[np.float64] = ((means - usual) ** 2).sum(axis=1)
        return squared

    return _uncalibrated(name, columns, departure, windows)


def clip_score(name: str, baseline: Sample, windows: tuple[int, ...]) -> Streaming:
    """How far the mean CLIPScore has fallen."""
    column = [scalar.name for scalar in baseline.schema.scalars].index(ALIGNMENT)
    usual = baseline.scalars[:, column].mean(dtype=np.float64)
    return _uncalibrated(name, lambda sample: sample.scalars[:, [column]], lambda means: usual - means[:, 0], windows)


def images(sample: Sample) -> NDArray[np.float32]:
    return sample.images


def prompts_and_images(sample: Sample) -> NDArray[np.float32]:
    """The joint distribution: what a marginal test needs in order to see a broken pairing at all."""
    return np.concatenate([sample.prompts, sample.images], axis=1)


def _uncalibrated(name: str, columns: Columns, departure: Departure, windows: tuple[int, ...]) -> Streaming:
    return Streaming(name, columns, departure, windows, np.zeros(len(windows)), np.ones(len(windows)))


def tick_sums(columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """[ticks, k] of columns [n, k]."""
    sums: NDArray[np.float64] = columns.reshape(-1, PER_TICK, columns.shape[1]).sum(axis=1, dtype=np.float64)
    return sums


def _healthy_month(columns: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Sums of ticks, each of generations drawn anew from healthy ones."""
    sums = np.empty((TICKS_A_MONTH, columns.shape[1]))
    for start in range(0, TICKS_A_MONTH, _TICKS_AT_ONCE):
        part = sums[start : start + _TICKS_AT_ONCE]
        drawn = columns[rng.integers(0, len(columns), (len(part), PER_TICK))]
        part[:] = drawn.sum(axis=1)
    return sums
