from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitors.hypotheses import (
    Outcome,
    detectable_effect,
    directed_decline,
    expected_rates,
    heaviness,
    independent_size,
    mean_change,
    moved_share,
    reference_size,
    tail_excess,
    tail_p_values,
)
from monitors.lens import Lens
from monitors.moves import Moves
from monitors.sketch import Sketch, hashed

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World

Part = Mapping[str, NDArray[np.floating] | NDArray[np.integer]]


@pytest.fixture(scope="module")
def usual(lens: Lens, world: World) -> Sketch:
    return Sketch.of(lens.features(world.sample(1000, seed=31)))


def but(sketch: Sketch, **parts: NDArray[np.generic]) -> Sketch:
    """The same sketch with other counts or sums."""
    other = replace(sketch, counts=sketch.counts.copy(), sums=sketch.sums.copy())
    for name, values in parts.items():
        getattr(other, name)[...] = values
    return other


def times(sketch: Sketch, count: int) -> Sketch:
    """The same generations again and again, each time for prompts of their own."""
    more = replace(sketch, counts=sketch.counts * count, sums=sketch.sums * count)
    repeats = np.zeros_like(sketch.repeats)
    repeats[: int(more.judged) % len(repeats)] = 1
    repeats += int(np.sqrt(more.judged // len(repeats)))
    return but(more, repeats=repeats)


def certain(lens: Lens) -> Lens:
    """The same lens, of a baseline so large that nothing about it is in doubt, in a world without misfit."""
    calibration = lens.calibration
    large = 10**9
    return replace(
        lens,
        calibration=replace(
            calibration,
            size=large * int(calibration.cluster_counts.sum()),
            cluster_counts=calibration.cluster_counts * large,
            kurtosis=0.0,
            repeat_correlation=np.zeros_like(calibration.repeat_correlation),
            ignorance=np.zeros_like(calibration.ignorance),
            tail_repeat_correlation=np.zeros_like(calibration.tail_repeat_correlation),
            tail_ignorance=np.zeros_like(calibration.tail_ignorance),
        ),
    )


def sized(lens: Lens, size: int) -> Lens:
    """The same lens, of so many generations, where that is the only doubt."""
    known = certain(lens).calibration
    return replace(
        lens, calibration=replace(known, size=size, shrinkage=1e12, cluster_counts=lens.calibration.cluster_counts)
    )


@given(st.integers(0, 200), st.integers(0, 15), st.integers(1, 100))
def test_more_generations_in_a_tail_never_raise_the_p_value(
    lens: Lens, usual: Sketch, count: int, tail: int, more: int
) -> None:
    counts = np.zeros_like(usual.tail_counts)
    p_values = []
    for each in (count, count + more):
        counts[tail] = each
        p_values.append(float(tail_excess(lens, but(usual, tail_counts=counts), worse_only=False).p_value))
    assert 0 <= p_values[1] <= p_values[0] <= 1


def test_with_a_baseline_beyond_doubt_the_tails_are_tested_by_the_poisson_distribution(
    lens: Lens, usual: Sketch
) -> None:
    """Times the number of tails (Bonferroni)."""
    counts = np.zeros_like(usual.tail_counts)
    rarest = len(counts) - 1
    counts[rarest] = 12
    live, known = but(usual, tail_counts=counts), certain(lens)
    outcome = tail_excess(known, live, worse_only=False)
    expected = float(expected_rates(known, live)[rarest]) * int(live.judged)
    assert float(outcome.p_value) == pytest.approx(len(counts) * stats.poisson.sf(11, expected), rel=1e-3)
    assert known.tail_names[int(outcome.which)] == "pairing.high.0.001"


@given(st.integers(1, 30), st.integers(0, 60), st.integers(100, 2000))
def test_tails_are_tested_as_two_poisson_counts_given_their_sum(
    lens: Lens, usual: Sketch, found: int, known: int, size: int
) -> None:
    """P[B(found + known, n / (n + size)) >= found] (Przyborowski & Wilenski 1940), whatever the sizes."""
    doubtful = sized(lens, size)
    n, tail = int(usual.judged), np.array([0])
    p_value = tail_p_values(doubtful, usual, np.array([found / n]), np.array([known / size]), tail)
    independent = float(independent_size(doubtful, usual))
    exact = stats.binom.sf(found - 1, found + known, independent / (independent + size))
    excess = found / n - known / size > np.sqrt(known / size * (1 / independent + 1 / size))
    assert float(p_value[0]) == pytest.approx(exact if excess else 1.0, rel=0.02)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_departure_never_raises_the_p_value(lens: Lens, usual: Sketch, a: float, b: float) -> None:
    direction = np.linspace(-1, 1, len(usual.feature_sums))
    mean = lens.calibration.feature_mean
    p_values = [
        float(mean_change(lens, but(usual, feature_sums=usual.judged * (mean + s * direction))).p_value)
        for s in sorted((a, b))
    ]
    assert 0 <= p_values[1] <= p_values[0] <= 1


def test_with_a_baseline_beyond_doubt_the_means_are_tested_by_the_chi_square(lens: Lens, usual: Sketch) -> None:
    known = certain(lens)
    features = len(lens.feature_names)
    direction = np.zeros(features)
    direction[0] = 0.3
    departure = np.linalg.solve(known.calibration.canonical, direction)
    live = but(usual, feature_sums=usual.judged * (known.calibration.feature_mean + departure))
    exact = stats.chi2.sf(int(usual.judged) * 0.09, features)
    assert float(mean_change(known, live).p_value) == pytest.approx(exact, rel=1e-3)


@given(st.floats(0.15, 3), st.integers(2, 50))
def test_a_departure_that_lasts_never_raises_the_p_value(lens: Lens, usual: Sketch, size: float, count: int) -> None:
    """Beyond the baseline's own uncertainty, more of the same is never less surprising."""
    direction = np.zeros(len(usual.feature_sums))
    direction[3] = size
    departure = np.linalg.solve(lens.calibration.canonical, direction)
    tails = np.full_like(usual.tail_counts, int(0.2 * usual.judged))
    shifted = but(usual, feature_sums=usual.judged * (lens.calibration.feature_mean + departure), tail_counts=tails)
    for window, longer in ((times(shifted, 1), times(shifted, count)),):
        means = [mean_change(lens, each) for each in (window, longer)]
        if float(means[0].effect) > float(means[0].allowance):
            assert float(means[1].p_value) <= float(means[0].p_value) * (1 + 1e-9)
        tail = [tail_excess(lens, each, worse_only=False) for each in (window, longer)]
        assert float(tail[1].p_value) <= float(tail[0].p_value) * (1 + 1e-9)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_worse_alignment_never_raises_the_p_value(lens: Lens, usual: Sketch, a: float, b: float) -> None:
    p_values = []
    for mean in sorted((a, b)):
        sums = np.zeros_like(usual.directed_sums)
        sums[0] = mean * usual.judged
        squares = np.full_like(sums, (1 + mean**2) * usual.judged)
        p_values.append(float(directed_decline(lens, but(usual, directed_sums=sums, directed_squares=squares)).p_value))
    assert 0 <= p_values[1] <= p_values[0] <= 1


def test_only_a_scalar_with_a_worse_side_can_decline(lens: Lens, usual: Sketch) -> None:
    undirected = replace(lens, schema=replace(lens.schema, scalars=()))
    with pytest.raises(ValueError, match="worse direction"):
        directed_decline(undirected, usual)


def test_a_stack_of_windows_is_tested_as_each_of_them(lens: Lens, world: World) -> None:
    alone = [Sketch.of(lens.features(world.sample(n, seed=n))) for n in (150, 400, 900)]
    stack = Sketch.stack(alone)
    for row, sketch in enumerate(alone):
        for together, own in (
            (mean_change(lens, stack), mean_change(lens, sketch)),
            (tail_excess(lens, stack, worse_only=False), tail_excess(lens, sketch, worse_only=False)),
            (directed_decline(lens, stack), directed_decline(lens, sketch)),
        ):
            for name in ("p_value", "effect", "allowance", "which"):
                assert getattr(together, name)[row] == pytest.approx(getattr(own, name)), name


def test_repeated_prompts_count_for_less(lens: Lens, world: World) -> None:
    fresh = Sketch.of(lens.features(world.sample(600, seed=32)))
    repeated = Sketch.of(lens.features(world.sample(600, seed=32, distinct=60)))
    assert independent_size(lens, fresh) > 500
    assert independent_size(lens, repeated) < 150


def test_the_usual_traffic_rests_on_all_of_the_baseline_and_other_traffic_on_little_of_it(
    lens: Lens, world: World, usual: Sketch
) -> None:
    size = lens.calibration.size
    assert float(reference_size(lens, usual)) > 0.8 * size
    other = Sketch.of(lens.features(world.sample(1000, seed=33, other_mix=True)))
    assert 50 < float(reference_size(lens, other)) < 0.5 * size


def test_a_wary_look_adds_to_the_doubt_of_means_where_requests_have_moved_and_nowhere_else(
    lens: Lens, world: World, usual: Sketch
) -> None:
    other = Sketch.of(lens.features(world.sample(1000, seed=33, other_mix=True)))
    for sketch, more in ((usual, 1.0), (other, 1.5)):
        plain, wary = (mean_change(lens, sketch, moves=moves) for moves in (None, Moves.of(lens, sketch)))
        assert float(wary.allowance) >= more * float(plain.allowance)
        assert more > 1.0 or float(wary.p_value) == float(plain.p_value)


@pytest.mark.parametrize("test", [mean_change, partial(tail_excess, worse_only=False)])
def test_unseen_requests_add_to_the_doubt_of_a_wary_look(
    test: Callable[..., Outcome], lens: Lens, usual: Sketch
) -> None:
    shifted = but(usual, feature_sums=usual.feature_sums + 0.2 * usual.judged, tail_counts=usual.tail_counts + 20)
    few, many = (but(shifted, unseen=np.array(count)) for count in (2, 40))
    wary_of_few, wary_of_many = (float(test(lens, each, moves=Moves.of(lens, each)).p_value) for each in (few, many))
    assert wary_of_few == float(test(lens, few).p_value)
    assert wary_of_many > 10 * float(test(lens, many).p_value)


def test_the_share_that_has_moved_is_what_sampling_does_not_explain(lens: Lens) -> None:
    usual = lens.calibration.cluster_counts
    few = np.random.default_rng(0).multinomial(200, usual / usual.sum())
    assert moved_share(lens, few) < 0.05
    assert moved_share(lens, 1000 * usual) == 0.0
    alone = np.zeros_like(usual)
    alone[0] = 100_000
    assert moved_share(lens, alone) > 0.8


def test_what_can_be_detected_shrinks_with_n_down_to_what_the_baselines_own_error_hides(lens: Lens) -> None:
    effects = [detectable_effect(lens, n, 2000.0, 1e-6) for n in (100, 1000, 10_000, 1e9)]
    assert effects == sorted(effects, reverse=True)
    features = len(lens.feature_names)
    assert effects[-1] ** 2 * 2000.0 > stats.chi2.isf(1e-6, features) - features


def test_p_values_are_no_smaller_than_they_claim_where_nothing_is_wrong(lens: Lens) -> None:
    """100,000 windows of 300, each against a baseline of its own, drawn with the moments that the lens states."""
    rng = np.random.default_rng(5)
    draws, n, size, rate = 100_000, 300, 3000, 0.01
    known = sized(lens, size)
    calibration = known.calibration
    zero = Sketch.zero(lens)
    stack = replace(zero, counts=np.tile(zero.counts, (draws // 10, 1)), sums=np.tile(zero.sums, (draws // 10, 1)))
    stack.counts[:, 0] = n
    stack.repeats[:, :n] = 1
    inverse = np.linalg.inv(calibration.canonical)
    p_values: list[list[NDArray[np.float64]]] = [[], []]
    for _ in range(10):
        off = rng.standard_normal((draws // 10, len(lens.feature_names))) * np.sqrt(1.0 / n + 1.0 / size)
        stack.feature_sums[...] = n * (calibration.feature_mean + off @ inverse.T)
        p_values[0].append(mean_change(known, stack).p_value)
        found, usual = (rng.binomial(count, rate, (draws // 10, 1)) / count for count in (n, size))
        p_values[1].append(tail_p_values(known, stack, found, usual, np.array([0]))[:, 0])
    means, tails = (np.concatenate(each) for each in p_values)
    for level in (1e-1, 1e-2, 1e-3, 1e-4):
        allowed = stats.binom.isf(1e-4, draws, level)
        assert (means <= level).sum() <= allowed
        assert (tails <= level).sum() <= allowed
        assert (means <= level).sum() > 0.2 * level * draws


@given(st.integers(8, 80), st.floats(0.01, 2000), st.sampled_from([1e-6, 2e-8, 1e-10]))
def test_kurtosis_leaves_the_variance_and_a_longer_tail_than_boxs_where_alarms_are(
    features: int, kurtosis: float, level: float
) -> None:
    """Box (1954) took the same variance for a chi-square's, of fewer degrees of freedom: too short for odd images."""
    heavy = float(heaviness(features, np.asarray(kurtosis)))
    squared = stats.f(features, 1.0 / heavy, scale=1.0 - 2.0 * heavy)
    freedom = 2.0 * features**2 / (2.0 * features + kurtosis)
    assert squared.mean() == pytest.approx(1.0)
    assert squared.var() == pytest.approx(2.0 / freedom)
    assert squared.isf(level) >= stats.chi2.isf(level, freedom) / freedom


def test_a_tail_that_favourites_may_have_made_surprises_less_unless_it_is_a_material_share_and_worse(
    lens: Lens, usual: Sketch
) -> None:
    repeats = np.zeros_like(usual.repeats)
    repeats[:20] = 200 // np.arange(1, 21)
    many = np.sqrt((repeats.astype(float) ** 2).sum() / len(repeats)).round()
    found = np.full_like(usual.tail_counts, int(0.2 * usual.judged))
    favourites, even = (but(usual, tail_counts=found, repeats=each) for each in (repeats, np.full_like(repeats, many)))
    any_change, worse = (
        [float(tail_excess(lens, each, worse_only=worse_only).p_value) for each in (favourites, even)]
        for worse_only in (False, True)
    )
    assert any_change[0] > 100 * any_change[1]
    assert np.log(worse[0]) == pytest.approx(np.log(worse[1]), rel=0.1)


def test_p_values_are_no_smaller_than_they_claim_where_a_few_odd_favourites_decide(lens: Lens) -> None:
    """20,000 windows of 2,000, three in ten of 200 favourites by Zipf's law. One prompt in ten is three times as odd as
    others, in all of its images; or most of its images lie in a tail."""
    rng = np.random.default_rng(6)
    draws, n, shared, rate, odd = 20_000, 2_000, 0.8, 0.1, 0.1
    features = len(lens.feature_names)
    scale = np.array([1.0, 9.0]) / (1.0 + 8.0 * odd)  # of a prompt's variance
    kurtosis = features * (features + 2.0) * ((1.0 - odd) * scale[0] ** 2 + odd * scale[1] ** 2 - 1.0)
    calibration = replace(
        certain(lens).calibration,
        kurtosis=kurtosis,
        repeat_correlation=np.full(features, shared),
        tail_repeat_correlation=np.full(len(lens.tail_names), shared),
    )
    known = replace(lens, calibration=calibration)
    zipf = 1.0 / np.arange(1, 201)
    repeats = rng.multinomial(int(0.3 * n), zipf / zipf.sum(), draws)
    fresh = n - int(0.3 * n)
    zero = Sketch.zero(lens)
    stack = replace(zero, counts=np.tile(zero.counts, (draws, 1)), sums=np.tile(zero.sums, (draws, 1)))
    stack.counts[:, 0] = n
    stack.cluster_counts[...] = lens.calibration.cluster_counts  # none has moved
    stack.repeats[...] = rng.normal(0.0, np.sqrt(fresh / stack.repeats.shape[1]), stack.repeats.shape).round()
    column, sign = hashed(rng.integers(0, 2**63, repeats.shape, dtype=np.uint64))
    np.add.at(stack.repeats, (np.arange(draws)[:, None], column), sign * repeats)

    own = scale[(rng.random(repeats.shape) < odd).astype(int)]
    others = scale[0] * fresh + (scale[1] - scale[0]) * rng.binomial(fresh, odd, draws)
    variance = (own * (shared * repeats**2 + (1.0 - shared) * repeats)).sum(axis=1) + others
    off = rng.standard_normal((draws, features)) * np.sqrt(variance)[:, None] / n
    inverse = np.linalg.inv(known.calibration.canonical)
    stack.feature_sums[...] = n * (known.calibration.feature_mean + off @ inverse.T)
    means = mean_change(known, stack).p_value
    extreme = rng.binomial(repeats * (rng.random(repeats.shape) < rate / shared), shared).sum(axis=1)
    found = (extreme + rng.binomial(fresh, rate, draws))[:, None] / n
    tails = tail_p_values(known, stack, found, np.full_like(found, rate), np.array([0]))[:, 0]
    for level in (1e-2, 1e-3, 1e-4):
        allowed = stats.binom.isf(1e-4, draws, 1.2 * level)
        assert (means <= level).sum() <= allowed
        assert (tails <= level).sum() <= allowed
    assert (means <= 0.1).sum() > 0.05 * draws
    assert (tails <= 0.1).sum() > 0.05 * draws
