"""The interval of a difference of paired shares."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitors.estimates import Estimate, TooFew
from monitors.paired_rate import rate_change


def of(only_after: int, only_before: int, n: int) -> Estimate:
    found = rate_change(only_after, only_before, n)
    assert isinstance(found, Estimate)
    return found


@pytest.mark.parametrize("n", [30, 128, 1024])
def test_where_no_pair_differs_the_interval_is_what_can_be_said_in_closed_form(n: int) -> None:
    z2 = float(stats.norm.ppf(0.975)) ** 2
    found = of(0, 0, n)
    assert found.value == 0.0
    assert found.low == pytest.approx(-z2 / (n + z2))
    assert found.high == pytest.approx(z2 / (n + z2))


def test_with_many_differing_pairs_it_is_the_interval_of_walds() -> None:
    b, c, n = 3000, 2000, 20_000
    error = math.sqrt(b + c - (b - c) ** 2 / n) / n
    found = of(b, c, n)
    assert found.low == pytest.approx(0.05 - 1.96 * error, abs=2e-4)
    assert found.high == pytest.approx(0.05 + 1.96 * error, abs=2e-4)


@given(st.integers(30, 400), st.data())
def test_it_holds_its_value_and_turns_with_the_sides(n: int, data: st.DataObject) -> None:
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    found, turned = of(b, c, n), of(c, b, n)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert turned.low == pytest.approx(-found.high, abs=1e-9)
    assert turned.high == pytest.approx(-found.low, abs=1e-9)


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    for after, before in ((0.02, 0.02), (0.1, 0.05), (0.3, 0.3)):
        drawn = rng.multinomial(128, [after, before, 1 - after - before], size=2000)
        counts, often = np.unique(drawn, axis=0, return_counts=True)
        intervals = [of(int(b), int(c), 128) for b, c, _ in counts]
        covered = [each.low <= after - before <= each.high for each in intervals]
        assert np.average(covered, weights=often) >= 0.935


def test_few_pairs_say_nothing() -> None:
    assert rate_change(0, 0, 29) == TooFew(29, 30)
    with pytest.raises(ValueError, match="cannot be"):
        rate_change(20, 20, 30)
