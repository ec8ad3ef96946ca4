"""The peers that keep sums hold their budget and see what they should: a benchmark must not win by a broken rival."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.streaming import AN_HOUR, DYADIC, Streaming, clip_score, images, random_feature_mmd, tick_sums
from benchmarks.detection.streams import PER_TICK, TICKS_A_DAY, TICKS_A_MONTH
from benchmarks.detection.world import HEALTHY, Scenario, World, broken, shuffled
from monitors.sample import Sample


@pytest.fixture(scope="module")
def score(healthy: Sample) -> Streaming:
    return clip_score("CLIPScore", healthy, DYADIC).calibrated(healthy, months=4, seed=1)


def played(world: World, scenario: Scenario, seed: int = 7) -> Sample:
    return world.record(scenario, 12 * PER_TICK, seed=seed, per_day=TICKS_A_DAY * PER_TICK).sample


def test_windows_cover_a_day() -> None:
    assert DYADIC[0] == 1
    assert DYADIC[-1] == TICKS_A_DAY


def test_a_threshold_allows_one_alarmed_tick_a_month(score: Streaming, healthy: Sample) -> None:
    column, rng = score.columns(healthy), np.random.default_rng(9)
    months = 6
    sums = column[rng.integers(0, len(column), (months * TICKS_A_MONTH, PER_TICK))].sum(axis=1, dtype=np.float64)
    assert 0 < score.alarms(sums).sum() < 5 * months


def test_the_score_sees_a_broken_pairing(world: World, score: Streaming) -> None:
    before, after = (played(world, each) for each in (HEALTHY, Scenario("x", fault=shuffled(0.3))))
    assert score.delay(*(tick_sums(score.columns(sample)) for sample in (before, after))) <= 3 * PER_TICK


def test_random_features_see_broken_images_and_no_broken_pairing(world: World, healthy: Sample) -> None:
    peer = random_feature_mmd("RFF-MMD", images, healthy, (4,), seed=2).calibrated(healthy, months=1, seed=1)
    before, grey, shuffle = (
        tick_sums(peer.columns(played(world, each)))
        for each in (HEALTHY, Scenario("x", fault=broken(0.2)), Scenario("y", fault=shuffled(0.2)))
    )
    assert peer.delay(before, grey) <= 4 * PER_TICK
    assert peer.delay(before, shuffle) == np.inf


def test_a_window_is_not_looked_at_before_it_is_full(score: Streaming, healthy: Sample) -> None:
    hour = clip_score("CLIPScore", healthy, AN_HOUR)
    far_off = np.full((AN_HOUR[0], 1), -1e6)
    assert np.isneginf(hour._departures(far_off[:-1])).all()
    assert np.isfinite(hour._departures(far_off)[0, -1])
