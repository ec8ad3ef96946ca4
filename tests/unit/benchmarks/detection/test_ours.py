"""Safelight's side of the benchmark, over a few hours: the streams are joined as they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.cost import buckets
from benchmarks.detection.ours import Line, Watch, tick_sketches
from benchmarks.detection.streams import PER_DAY, PER_TICK, TICKS_A_DAY, starts
from benchmarks.detection.world import HEALTHY, Scenario, World, broken
from monitors.lens import Lens
from monitors.sample import Sample
from monitors.sketch import Sketch


def sketches(lens: Lens, world: World, scenario: Scenario, ticks: int, seed: int) -> list[Sketch]:
    return tick_sketches(lens.features(world.record(scenario, ticks * PER_TICK, seed, per_day=PER_DAY).sample))


def test_a_gross_regression_is_found_and_health_is_not(lens: Lens, world: World) -> None:
    healthy = sketches(lens, world, HEALTHY, 12, seed=21)
    wrong = sketches(lens, world, Scenario("x", fault=broken(0.3)), 4, seed=22)
    watch = Watch(lens)
    assert watch.delay([Line(healthy[:6], healthy[6:])]) == np.inf
    assert watch.delay([Line(healthy, wrong)]) <= 4 * PER_TICK
    assert watch.delay([Line(healthy[:6], healthy[6:10]), Line(healthy, wrong)]) <= 4 * PER_TICK


def test_more_slices_share_the_budget(lens: Lens) -> None:
    assert Watch(lens, slices=65).alpha == pytest.approx(Watch(lens).alpha / 65)


def test_a_line_holds_a_day_and_the_newest_last(lens: Lens) -> None:
    empty = Sketch.zero(lens)
    before, after = [Sketch.zero(lens) for _ in range(TICKS_A_DAY)], [Sketch.zero(lens) for _ in range(3)]
    seen = Line(before, after).until(2)
    assert len(seen) == TICKS_A_DAY
    assert seen[-2:] == after[:2]
    assert seen[0] is before[2]
    assert list(Line([], after).until(1)) == after[:1]
    assert empty.n == 0


def test_ticks_keep_every_generation_once(lens: Lens, healthy: Sample) -> None:
    features = lens.features(healthy)
    half = np.arange(len(healthy)) % 2 == 0
    whole, part = tick_sketches(features), tick_sketches(features, half)
    assert [each.n for each in whole] == [PER_TICK] * (len(healthy) // PER_TICK)
    assert [each.n for each in part] == [PER_TICK // 2] * len(part)


def test_a_merged_day_holds_what_it_is_said_to(lens: Lens, healthy: Sample) -> None:
    for n in (1000, 24_000):
        day = buckets(lens, healthy, n)
        assert len(day) == TICKS_A_DAY
        assert sum(each.n for each in day) == n


def test_streams_begin_at_full_hours() -> None:
    assert list(starts(48, 4)) == [0, 12, 24, 36]
    assert list(starts(48, 2)) == [0, 24]
