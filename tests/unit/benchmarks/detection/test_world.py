"""The world does what its scenarios say, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.streams import PER_DAY
from benchmarks.detection.world import (
    BAD_REPLICA,
    HARMLESS,
    HEALTHY,
    ONE_BAD_REPLICA,
    REGRESSIONS,
    Asked,
    Recording,
    Scenario,
    World,
    broken,
    collapsed,
    shuffled,
)

N = 2000


def recorded(world: World, scenario: Scenario) -> Recording:
    return world.record(scenario, N, seed=5, per_day=PER_DAY)


def test_there_are_eleven_regressions_and_harmless_changes_have_no_fault() -> None:
    assert len({each.name for each in REGRESSIONS}) == 11
    assert all(each.fault is not None or each.spread != 1.0 for each in REGRESSIONS)
    assert all(each.fault is None and each.spread == 1.0 for each in HARMLESS)


def test_a_seed_gives_the_same_recording(world: World) -> None:
    first, again = (recorded(each, REGRESSIONS[2]) for each in (world, World(seed=0)))
    assert np.array_equal(first.sample.images, again.sample.images)
    assert np.array_equal(first.sample.prompt_keys, again.sample.prompt_keys)


@pytest.mark.parametrize(
    "scenario", [each for each in REGRESSIONS if each.asked is Asked.USUAL], ids=lambda each: each.name
)
def test_a_regression_leaves_the_prompts_alone(world: World, scenario: Scenario) -> None:
    usual, regressed = recorded(world, HEALTHY).sample, recorded(world, scenario).sample
    assert np.array_equal(usual.prompts, regressed.prompts)
    assert not np.array_equal(usual.images, regressed.images)


@pytest.mark.parametrize("fault", [broken(0.05), collapsed(0.05), shuffled(0.05)])
def test_a_share_of_the_images_is_another(world: World, fault: object) -> None:
    usual, regressed = (recorded(world, each).sample for each in (HEALTHY, Scenario("x", fault=fault)))  # type: ignore[arg-type]  # parametrised
    changed = (usual.images != regressed.images).any(axis=1).mean()
    assert 0.03 < changed < 0.07


def test_shuffling_changes_no_distribution_of_images(world: World) -> None:
    usual, shuffled_ = (recorded(world, each).sample for each in (HEALTHY, Scenario("x", fault=shuffled(0.3))))
    assert np.allclose(np.sort(usual.images[:, 0]), np.sort(shuffled_.images[:, 0]), atol=1e-6)
    assert shuffled_.scalars.mean() < usual.scalars.mean()


def test_one_bad_replica_leaves_the_others_alone(world: World) -> None:
    usual, bad = recorded(world, HEALTHY), recorded(world, ONE_BAD_REPLICA)
    changed = (usual.sample.images != bad.sample.images).any(axis=1)
    assert np.array_equal(changed, bad.replica == BAD_REPLICA)


def test_images_are_unit_vectors_and_fit_their_prompts(world: World) -> None:
    sample = recorded(world, HEALTHY).sample
    assert np.allclose(np.linalg.norm(sample.images, axis=1), 1.0, atol=1e-5)
    elsewhere = (sample.prompts * np.roll(sample.images, 1, axis=0)).sum(axis=1)
    assert sample.scalars[:, 0].mean() > elsewhere.mean() + 0.05


@pytest.mark.parametrize("scenario", HARMLESS, ids=lambda each: each.name)
def test_a_harmless_change_moves_the_prompts(world: World, scenario: Scenario) -> None:
    usual, moved = recorded(world, HEALTHY).sample, recorded(world, scenario).sample
    distance = np.linalg.norm(usual.prompts.mean(axis=0) - moved.prompts.mean(axis=0))
    half = N // 2
    sampling = np.linalg.norm(usual.prompts[:half].mean(axis=0) - usual.prompts[half:].mean(axis=0))
    assert distance > 1.3 * sampling
