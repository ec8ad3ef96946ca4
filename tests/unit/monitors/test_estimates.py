import numpy as np
import pytest
from scipy import stats

from monitors.estimates import (
    Estimate,
    TooFew,
    clustered_mean,
    jackknife,
    prompt_groups,
    quantile_estimate,
    rate_estimate,
)


@pytest.mark.parametrize("events", [0, 1, 17, 100])
def test_a_rate_has_the_exact_interval(events: int) -> None:
    found = rate_estimate(events, 100)
    expected = stats.binomtest(events, 100).proportion_ci(0.95, "exact")
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_mean_of_repeated_prompts_is_less_certain_than_it_looks() -> None:
    rng = np.random.default_rng(2)
    keys = rng.integers(0, 2**63, 100, dtype=np.uint64)
    values = rng.normal(size=100)
    once, often = clustered_mean(values, keys), clustered_mean(np.repeat(values, 9), np.repeat(keys, 9))
    assert isinstance(once, Estimate)
    assert isinstance(often, Estimate)
    assert often.value == pytest.approx(values.mean())
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert once.low < 0 < once.high


def test_a_mean_of_one_prompt_only_has_no_interval() -> None:
    assert clustered_mean(np.ones(500), np.full(500, 7, np.uint64)) == TooFew(500, 501)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_quantile_lies_in_its_interval_as_often_as_it_says(share: float) -> None:
    rng = np.random.default_rng(3)
    found = [quantile_estimate(rng.exponential(size=200), share) for _ in range(300)]
    truth = -np.log(1 - share)
    covered = sum(isinstance(each, Estimate) and each.low <= truth <= each.high for each in found)
    assert covered >= 0.93 * 300


def test_a_high_quantile_needs_more_values() -> None:
    assert quantile_estimate(np.ones(99), 0.95) == TooFew(99, 100)


def test_a_rate_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        rate_estimate(5, 4)


def test_few_values_give_no_figure_but_what_is_needed() -> None:
    assert rate_estimate(1, 10) == TooFew(10, 30)


def test_the_jackknife_of_a_mean_is_its_standard_error_between_groups() -> None:
    values = np.random.default_rng(1).normal(size=(20, 7))
    without = [float(np.delete(values, g, axis=0).mean()) for g in range(20)]
    found = jackknife(float(values.mean()), without, [7] * 20, 140)
    error = stats.sem(values.mean(axis=1))
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.value == pytest.approx(error * stats.t.ppf(0.975, 19))


def test_the_jackknife_takes_a_bias_of_order_one_over_n_away_whatever_the_sizes() -> None:
    sizes = [5, 10, 20, 40]
    total = sum(sizes)
    without = [2.0 + 3.0 / (total - size) for size in sizes]
    assert jackknife(2.0 + 3.0 / total, without, sizes, total).value == pytest.approx(2.0)


def test_a_prompt_has_one_group_wherever_it_appears() -> None:
    keys = np.array([11, 25, 11, 2**63 + 4], np.uint64)
    assert prompt_groups(keys, 10).tolist() == [1, 5, 1, 2]
