import itertools

import numpy as np
import pytest

from monitors.estimates import Estimate, TooFew
from monitors.trend import trend


def test_the_slope_is_the_median_of_the_slopes_between_two_days() -> None:
    days, values = [0, 1, 2, 4, 5, 6, 9], [0.3, 0.29, 0.31, 0.27, 0.26, 0.9, 0.2]
    pairs = itertools.combinations(zip(days, values, strict=True), 2)
    slopes = [(b - a) / (later - earlier) for (earlier, a), (later, b) in pairs]
    found = trend(days, values)
    assert isinstance(found.slope, Estimate)
    assert found.slope.value == pytest.approx(np.median(slopes))
    assert found.slope.low <= found.slope.value <= found.slope.high


def test_a_steady_fall_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    days = range(14)
    assert trend(days, [0.3 - 0.002 * day + 0.002 * rng.standard_normal() for day in days]).steady
    noise = [trend(days, rng.standard_normal(14).tolist()).steady for _ in range(200)]
    assert sum(noise) <= 0.07 * 200


def test_one_wild_day_is_no_trend() -> None:
    assert not trend(range(14), [0.3] * 13 + [0.1]).steady


def test_days_that_never_differ_have_no_trend() -> None:
    found = trend(range(8), [0.5] * 8)
    assert found.p_value == 1.0
    assert not found.steady


def test_few_days_have_none_either() -> None:
    found = trend(range(6), [1.0] * 6)
    assert (found.slope, found.p_value, found.steady) == (TooFew(6, 7), 1.0, False)
