"""Mixtures of recorded streams hold the shares they are said to, with each generation's own prompt."""

from __future__ import annotations

import numpy as np

from benchmarks.detection.streams import PER_DAY
from benchmarks.detection.studio import mixture, shuffled
from benchmarks.detection.world import Scenario, World, broken
from monitors.sample import Sample


def test_a_mixture_takes_each_from_its_recording(world: World, healthy: Sample) -> None:
    other = world.record(Scenario("x", fault=broken(1.0)), 300, seed=3, per_day=PER_DAY).sample
    rng = np.random.default_rng(4)
    hit = rng.random(1000) < 0.1
    played = mixture(healthy, other, hit, rng)
    assert played.hit is hit
    assert np.isin(played.sample.prompt_keys[hit], other.prompt_keys).all()
    assert np.isin(played.sample.prompt_keys[~hit], healthy.prompt_keys).all()
    assert len(np.unique(played.sample.prompt_keys)) == 1000


def test_a_recording_begun_again_is_no_crowd_of_repeated_prompts(healthy: Sample) -> None:
    rng = np.random.default_rng(5)
    n = 2 * len(healthy)
    played = mixture(healthy, healthy, np.zeros(n, np.bool_), rng).sample
    assert len(np.unique(played.prompt_keys)) == n
    assert np.array_equal(np.unique(played.images, axis=0), np.unique(healthy.images, axis=0))


def test_shuffling_moves_images_and_scores_them_anew(healthy: Sample) -> None:
    played = shuffled(healthy, 0.2, 1000, np.random.default_rng(6))
    scores = (played.sample.prompts * played.sample.images).sum(axis=1)
    assert np.allclose(played.sample.scalars[:, 0], scores, atol=1e-5)
    assert scores[played.hit].mean() < scores[~played.hit].mean() - 0.05
    assert 0.15 < played.hit.mean() < 0.25
