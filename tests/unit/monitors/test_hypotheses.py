from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitors.hypotheses import (
    detectable_effect,
    directed_decline,
    independent_size,
    mean_change,
    moved_share,
    reference_size,
    tail_excess,
)
from monitors.lens import Lens
from monitors.sketch import Sketch

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World


@pytest.fixture(scope="module")
def usual(lens: Lens, world: World) -> Sketch:
    return Sketch.of(lens.features(world.sample(1000, seed=31)))


@given(st.integers(0, 200), st.integers(0, 15), st.integers(1, 100))
def test_more_generations_in_a_tail_never_raise_the_p_value(
    lens: Lens, usual: Sketch, count: int, tail: int, more: int
) -> None:
    counts = np.zeros_like(usual.tail_counts)
    counts[tail] = count
    fewer = replace(usual, tail_counts=counts.copy())
    counts[tail] += more
    many = replace(usual, tail_counts=counts)
    p_values = [tail_excess(lens, sketch, 1000.0, 2000.0, worse_only=False).p_value for sketch in (fewer, many)]
    assert 0 <= p_values[1] <= p_values[0] <= 1


def test_the_p_value_of_the_tails_is_bonferronis_bound_over_all_of_them(lens: Lens, usual: Sketch) -> None:
    """With a baseline so large that its rates are known exactly, it is the binomial one times the number of tails."""
    counts = np.zeros_like(usual.tail_counts)
    counts[0] = 40
    outcome = tail_excess(lens, replace(usual, tail_counts=counts), usual.judged, 1e12, worse_only=False)
    rate = usual.expected_tails[0] / usual.judged
    assert outcome.p_value == pytest.approx(len(counts) * stats.binom.sf(39, usual.judged, rate), rel=1e-3)
    assert outcome.evidence["tail"] == "alignment.low"


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_departure_never_raises_the_p_value(lens: Lens, usual: Sketch, a: float, b: float) -> None:
    direction = np.linspace(-1, 1, len(usual.feature_sums))
    mean = lens.calibration.feature_mean
    p_values = [
        mean_change(lens, replace(usual, feature_sums=usual.judged * (mean + s * direction)), 1000.0, 2000.0).p_value
        for s in sorted((a, b))
    ]
    assert 0 <= p_values[1] <= p_values[0] <= 1


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_worse_alignment_never_raises_the_p_value(lens: Lens, usual: Sketch, a: float, b: float) -> None:
    p_values = []
    for mean in sorted((a, b)):
        sums = np.zeros_like(usual.directed_sums)
        sums[0] = mean * usual.judged
        squares = np.full_like(sums, (1 + mean**2) * usual.judged)
        worse = replace(usual, directed_sums=sums, directed_squares=squares)
        p_values.append(directed_decline(lens, worse, 1000.0, 2000.0).p_value)
    assert 0 <= p_values[1] <= p_values[0] <= 1


def test_only_a_scalar_with_a_worse_side_can_decline(lens: Lens, usual: Sketch) -> None:
    undirected = replace(lens, schema=replace(lens.schema, scalars=()))
    with pytest.raises(ValueError, match="worse direction"):
        directed_decline(undirected, usual, 1000.0, 2000.0)


def test_repeated_prompts_count_for_less(lens: Lens, world: World) -> None:
    fresh = Sketch.of(lens.features(world.sample(600, seed=32)))
    repeated = Sketch.of(lens.features(world.sample(600, seed=32, distinct=60)))
    assert independent_size(lens, fresh) > 500
    assert independent_size(lens, repeated) < 150


def test_traffic_of_one_cluster_rests_on_that_cluster_alone(lens: Lens) -> None:
    counts = lens.calibration.cluster_counts
    as_usual = reference_size(lens, 100 * counts)
    alone = np.zeros_like(counts)
    alone[0] = 100_000
    assert as_usual == pytest.approx(lens.calibration.size, rel=0.05)
    assert 0.4 * lens.calibration.cluster_sizes[0] < reference_size(lens, alone) < lens.calibration.cluster_sizes[0]


def test_the_share_that_has_moved_is_what_sampling_does_not_explain(lens: Lens) -> None:
    usual = lens.calibration.cluster_counts
    few = np.random.default_rng(0).multinomial(200, usual / usual.sum())
    assert moved_share(lens, few) < 0.05
    assert moved_share(lens, 1000 * usual) == 0.0
    alone = np.zeros_like(usual)
    alone[0] = 100_000
    assert moved_share(lens, alone) > 0.8


def test_what_can_be_detected_shrinks_with_n_down_to_the_baselines_own_error(lens: Lens, usual: Sketch) -> None:
    effects = [detectable_effect(lens, n, 2000.0, 1e-6) for n in (100, 1000, 10_000, 1e9)]
    assert effects == sorted(effects, reverse=True)
    deadband = mean_change(lens, usual, 1000.0, 2000.0).allowance
    assert effects[-1] == pytest.approx(deadband, rel=1e-2)
