from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.codec import UnreadableArtifact
from monitors.fitting import SMALLEST_BASELINE, BaselineTooSmall, _thinned, fit_lens
from monitors.hypotheses import reference_size
from monitors.lens import Lens
from monitors.sample import Direction, Sample, Scalar, Schema, sides
from monitors.sketch import Sketch

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World


def test_the_same_baseline_and_seed_give_the_same_lens(baseline: Sample, lens: Lens) -> None:
    assert fit_lens(baseline, seed=0).digest == lens.digest
    assert fit_lens(baseline, seed=1).digest != lens.digest


def test_a_lens_read_back_is_the_same_lens(lens: Lens, world: World) -> None:
    again = Lens.from_bytes(lens.to_bytes())
    assert again.digest == lens.digest
    assert again.schema == lens.schema
    assert again.baseline_size == 6000
    sample = world.sample(50, seed=1)
    here, there = lens.features(sample), again.features(sample)
    for name in ("values", "tails", "directed", "cluster", "unseen", "surprise"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))


@given(st.data())
def test_damaged_bytes_are_refused(lens: Lens, data: st.DataObject) -> None:
    whole = lens.to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(UnreadableArtifact):
        Lens.from_bytes(whole[:cut])


def test_the_lens_expects_what_prompts_ask_for(lens: Lens, world: World) -> None:
    sample = world.sample(2000, seed=2)
    look = lens.halves[0].expectation.look(
        lens.requests.design(lens.requests.read(sample)), sample.images, sample.scalars
    )
    assert look.residuals.var(axis=0).sum() < 0.46 * sample.images.var(axis=0).sum()
    assert look.scalars[:, 0].var() < 0.9 * sample.scalars[:, 0].var()


def test_repeated_prompts_do_not_lure_the_regression_into_learning_them_by_heart(world: World) -> None:
    """Within a small sample, repeats vouch for each other: without prompts held out the fit is worse than none."""
    lens = fit_lens(world.but(misfit=0.4).sample(600, seed=17, distinct=200), seed=0)
    fresh = world.sample(2000, seed=18)
    residuals = (
        lens.halves[0]
        .expectation.look(lens.requests.design(lens.requests.read(fresh)), fresh.images, fresh.scalars)
        .residuals
    )
    assert residuals.var(axis=0).sum() < 0.8 * fresh.images.var(axis=0).sum()


def test_features_of_fresh_generations_are_centred_and_their_tails_as_frequent_as_expected(
    lens: Lens, world: World
) -> None:
    features = lens.features(world.sample(10_000, seed=3))
    assert np.abs(features.values.mean(axis=0)).max() < 0.1
    expected = lens.calibration.tail_rates[features.cluster].mean(axis=0)
    assert np.abs(features.tails.mean(axis=0) - expected).max() < 0.015


def test_a_viral_prompt_is_thinned_and_a_small_repertoire_is_not() -> None:
    viral = np.array([7] * 500 + list(range(100, 600)), dtype=np.uint64)
    assert (viral[_thinned(viral)] == 7).sum() == 4
    assert len(_thinned(viral)) == 504
    repertoire = np.arange(600, dtype=np.uint64) % 20
    assert len(_thinned(repertoire)) == 600


def test_what_the_lens_was_fitted_on_looks_like_what_comes_later_even_where_it_is_asked_for_again(world: World) -> None:
    """Each half is judged by what the other taught: nothing that was learned by heart sets what is usual."""
    repertoire = world.but(misfit=0.4).sample(4000, seed=5, distinct=2000)
    novelty = (lens := fit_lens(repertoire, seed=0)).feature_names.index("residual_novelty")

    def mean_rank(sample: Sample) -> float:
        return float(lens.features(sample).values[:, novelty].mean())

    again = world.but(misfit=0.4).sample(4000, seed=5, distinct=2000)
    new = world.but(misfit=0.4).sample(4000, seed=6)
    assert abs(mean_rank(again)) < 0.02
    assert abs(mean_rank(new)) < 0.03


def test_each_half_judges_the_prompts_it_did_not_learn_from(baseline: Sample, lens: Lens) -> None:
    design = lens.requests.design(lens.requests.read(baseline))
    for number, half in enumerate(lens.halves):
        judged = sides(baseline.prompt_keys) == number
        error = [
            float(
                (
                    half.expectation.look(design[rows], baseline.images[rows], baseline.scalars[rows]).residuals ** 2
                ).mean()
            )
            for rows in (np.flatnonzero(judged), np.flatnonzero(~judged))
        ]
        assert error[0] > 1.02 * error[1]


def test_an_odd_image_is_more_surprising_than_any_usual_one(lens: Lens, world: World) -> None:
    usual = world.sample(1000, seed=6)
    odd = world.broken(usual.take(slice(0, 20)), 1.0, seed=7)
    usual_surprise = lens.features(usual).surprise
    assert np.median(lens.features(odd).surprise) > np.quantile(usual_surprise, 0.99)


def test_prompts_and_parameters_beyond_the_baseline_are_unseen(lens: Lens, world: World) -> None:
    sample = world.sample(500, seed=8)
    assert lens.features(sample).unseen.mean() < 0.02
    strange = np.random.default_rng(0).standard_normal(sample.prompts.shape).astype(np.float32)
    strange /= np.linalg.norm(strange, axis=1, keepdims=True)
    assert lens.features(replace(sample, prompts=strange)).unseen.mean() > 0.95
    four_steps = sample.parameters.copy()
    four_steps[:, 0] = np.log(4)
    assert lens.features(replace(sample, parameters=four_steps)).unseen.all()


def test_a_parameter_that_never_varied_at_the_baseline_must_not_vary_unseen(world: World) -> None:
    sample = world.sample(900, seed=15)
    thirty_steps = np.full_like(sample.parameters, np.log(30))
    lens = fit_lens(replace(sample, parameters=thirty_steps), seed=0)
    assert not lens.features(replace(sample, parameters=thirty_steps)).unseen.all()
    assert lens.features(replace(sample, parameters=np.full_like(thirty_steps, np.log(29)))).unseen.all()


def test_a_baseline_that_repeats_itself_stands_for_fewer_generations(world: World) -> None:
    stubborn = world.but(misfit=0.4)
    fresh, repeating = (fit_lens(stubborn.sample(1800, 16, distinct=d), seed=0) for d in (None, 300))
    as_usual = [
        float(reference_size(each, Sketch.of(each.features(stubborn.sample(1800, 17))))) for each in (fresh, repeating)
    ]
    assert fresh.calibration.repeat_moment == 1.0
    assert repeating.calibration.repeat_moment > 2.0
    assert 0.2 < repeating.calibration.repeat_correlation.mean() < 0.9
    assert as_usual[0] > 0.8 * fresh.calibration.size
    assert as_usual[1] < 0.6 * repeating.calibration.size


def test_one_generation_can_be_looked_at_alone(lens: Lens, world: World) -> None:
    sample = world.sample(64, seed=9)
    together = lens.features(sample)
    alone = lens.features(sample.take(slice(5, 6)))
    np.testing.assert_allclose(alone.values[0], together.values[5], atol=1e-4)


def test_samples_of_another_embedder_or_schema_are_refused(lens: Lens, world: World) -> None:
    sample = world.sample(10, seed=10)
    with pytest.raises(ValueError, match="another embedder"):
        lens.features(replace(sample, images=sample.images[:, :-1]))
    other = Schema(sample.schema.parameters, (Scalar("alignment", Direction.LOW), Scalar("contrast", Direction.LOW)))
    with pytest.raises(ValueError, match="columns"):
        lens.features(replace(sample, schema=other))


def test_small_baselines_are_refused(world: World) -> None:
    with pytest.raises(BaselineTooSmall, match="at least 500"):
        fit_lens(world.sample(SMALLEST_BASELINE - 1, seed=0), seed=0)


def test_a_baseline_of_one_prompt_is_refused(world: World) -> None:
    with pytest.raises(BaselineTooSmall, match="repeat too often"):
        fit_lens(world.sample(1000, seed=0, distinct=1), seed=0)


def test_the_smallest_baseline_gives_a_working_lens(world: World) -> None:
    lens = fit_lens(world.sample(SMALLEST_BASELINE, seed=12), seed=0)
    assert np.isfinite(lens.features(world.sample(200, seed=13)).values).all()


def test_signals_and_parameters_that_never_varied_do_no_harm(world: World) -> None:
    sample = world.sample(900, seed=14)
    constant = replace(sample, parameters=np.ones_like(sample.parameters), scalars=np.zeros_like(sample.scalars))
    lens = fit_lens(constant, seed=0)
    features = lens.features(constant.take(slice(0, 100)))
    assert np.isfinite(features.values).all()
    assert not features.unseen.all()
    assert not features.tails[:, : len(sample.schema.scalars)].any()
