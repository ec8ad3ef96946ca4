"""The benchmark's shortcuts are exact: its minutes are the sketches that production would have made."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration import held_out, tuning
from benchmarks.calibration.report import poisson_interval
from benchmarks.calibration.simulate import minutes_of, sizes_of_windows
from monitors.fitting import fit_lens
from monitors.sketch import Sketch


def test_a_day_of_minutes_is_what_folding_each_minute_gives() -> None:
    world = tuning.repeats(3)
    rng = np.random.default_rng(0)
    lens = fit_lens(world.baseline(1500, rng), 0)
    stretch = world.day(0, rng)[0]
    day = minutes_of(lens, [stretch])
    features = lens.features(stretch.sample)
    for minute in (0, 7, 300):
        own = Sketch.of(features.take(np.flatnonzero(stretch.minute == minute)))
        np.testing.assert_array_equal(day.counts[minute], own.counts)
        np.testing.assert_allclose(day.sums[minute], own.sums, rtol=1e-6, atol=1e-6)


def test_every_world_has_a_baseline_and_days() -> None:
    rng = np.random.default_rng(0)
    for world in [*tuning.worlds(1), *held_out.worlds(1)]:
        assert len(world.baseline(700, rng)) > 650, world.name
        assert world.volume(0).shape == (1440,)


def test_the_windows_are_those_of_the_scan() -> None:
    assert sizes_of_windows() == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]


def test_garwoods_interval_of_a_rate() -> None:
    assert poisson_interval(0, 1.0) == pytest.approx((0.0, 3.689), abs=1e-3)
    assert poisson_interval(5, 2.0) == pytest.approx((1.623 / 2, 11.668 / 2), abs=1e-3)
