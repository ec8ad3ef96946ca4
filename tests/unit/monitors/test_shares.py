from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitors.estimates import Estimate, TooFew
from monitors.shares import UNCLEAR, name_options, shares


def unit(*rows: list[float]) -> NDArray[np.float32]:
    values = np.array(rows, np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def test_an_image_shows_the_option_it_lies_nearest_to() -> None:
    options = unit([1, 0, 0], [0, 1, 0])
    images = unit([0.9, 0.1, 0.3], [0.2, 0.8, 0.0], [0.5, 0.5, 0.7])
    assert name_options(images, options).tolist() == [0, 1, UNCLEAR]


def test_one_option_is_no_attribute() -> None:
    with pytest.raises(ValueError, match="at least two"):
        name_options(unit([1, 0]), unit([1, 0]))


def test_shares_are_of_what_is_clear() -> None:
    found = shares((60, 20), unclear=20)
    assert (found.n, found.unclear) == (100, 20)
    first, second = found.figures
    assert isinstance(first, Estimate)
    assert isinstance(second, Estimate)
    assert (first.value, second.value) == (0.75, 0.25)
    assert first.low < 0.75 < first.high
    assert second.n == 80


def test_a_handful_of_images_has_no_shares() -> None:
    assert shares((5, 3), unclear=500).figures == (TooFew(8, 30), TooFew(8, 30))


@given(st.lists(st.integers(0, 200), min_size=2, max_size=5).filter(lambda counts: sum(counts) >= 30))
def test_each_interval_is_the_exact_one_of_its_part_of_the_risk(counts: list[int]) -> None:
    total, level = sum(counts), 1 - 0.05 / len(counts)
    for count, figure in zip(counts, shares(tuple(counts), 0).figures, strict=True):
        exact = stats.binomtest(count, total).proportion_ci(level, method="exact")
        assert isinstance(figure, Estimate)
        assert (figure.low, figure.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        shares((1, -1), 0)
