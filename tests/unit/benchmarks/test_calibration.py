"""The benchmark's shortcuts are exact: its minutes are the sketches that production would have made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.calibration import held_out, tuning
from benchmarks.calibration.far_tail import LEVELS, Tail
from benchmarks.calibration.favourites import Recorded, replayed
from benchmarks.calibration.report import Found, as_json, from_json, poisson_interval, tables
from benchmarks.calibration.simulate import Watched, minutes_of, sizes_of_windows, ticks_of
from monitors.fitting import fit_lens
from monitors.scan import Rule
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


def test_favourites_are_asked_for_by_zipfs_law_and_others_once() -> None:
    world = tuning.steady(3)
    lens = fit_lens(world.baseline(1500, np.random.default_rng(0)), 0)
    recorded = Recorded.of(lens.features(world.baseline(600, np.random.default_rng(1))))
    features = recorded.stream(2000, 0.3, 1.0, np.random.default_rng(2))
    _, repeats = np.unique(features.prompt_keys, return_counts=True)
    assert 80 < repeats.max() < 130
    assert 1380 < (repeats == 1).sum() < 1460
    ticks = ticks_of(features, 90)
    np.testing.assert_array_equal(ticks.counts[-1], Sketch.of(features.take(np.arange(1980, 2000))).counts)
    found = replayed(lens, features, Rule.WORSE)
    assert 0.0 < found.p_value <= 1.0
    assert not found.alarmed


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


def found(seed: str, episodes: int) -> Found:
    tested = np.arange(10, 110, 10)
    watched = [
        Watched("steady", 3500, rule, 12.0, 300_000, 40, tested, np.ones((10, 3, 5), np.int64), 7, episodes, 3, 1e-9)
        for rule in Rule
    ]
    tail = Tail("steady", 3500, 50, 1000, (0.01,) * len(LEVELS), (0.001,) * len(LEVELS))
    return Found([{"command": "python -m x", "seed": seed}], {"tuning": watched}, [tail])


def test_what_was_found_is_read_back_as_it_was_written() -> None:
    written = as_json(found("1", 2))
    assert as_json(from_json(written)) == written


def test_what_was_watched_at_another_level_is_not_added_to() -> None:
    with pytest.raises(ValueError, match="at a level of"):
        from_json(json.dumps(json.loads(as_json(found("1", 2))) | {"level": 1e-9}))


def test_what_two_runs_found_is_added_up() -> None:
    both = from_json(as_json(found("1", 2))) + found("2", 1)
    page = tables(both)
    assert "| steady | 2 | 24 | 600,000 | 0.0% | 0.02% | 14 | 3 | 3.750 [0.773, 10.959] | 1.0e-09 |" in page
    assert "seed: 1\n\ncommand: python -m x\nseed: 2\n\ntuning" in page
    assert as_json(Found([], {}) + found("1", 2)) == as_json(found("1", 2))
