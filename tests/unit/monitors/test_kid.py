import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics.pairwise import polynomial_kernel

from monitors.estimates import Estimate, TooFew
from monitors.kid import kernel_distance, kid

DIMENSIONS = 16


def _draw(seed: int, n: int, shift: float = 0.0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, DIMENSIONS))
    rows[:, 0] += shift
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _keys(seed: int, n: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**63, n, dtype=np.uint64)


def test_it_is_the_unbiased_estimate_with_the_usual_kernel_of_rows_of_the_usual_length() -> None:
    a, b = _draw(0, 70), _draw(1, 50, shift=0.7)
    long_a, long_b = (rows.astype(np.float64) * np.sqrt(DIMENSIONS) for rows in (a, b))
    aa, bb, ab = (polynomial_kernel(x, y, degree=3) for x, y in ((long_a, long_a), (long_b, long_b), (long_a, long_b)))
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (aa, bb)]
    assert kernel_distance(a, b) == pytest.approx(sum(within) - 2 * ab.mean())


def test_blocks_cover_zero_where_nothing_differs_and_not_where_something_does() -> None:
    same = [kid(_draw(i, 1000), _draw(i + 99, 1000), _keys(i, 1000), _keys(i + 99, 1000)) for i in range(20)]
    assert sum(isinstance(each, Estimate) and each.low <= 0 <= each.high for each in same) >= 17
    other = kid(_draw(7, 1000), _draw(8, 1000, shift=1.0), _keys(7, 1000), _keys(8, 1000))
    assert isinstance(other, Estimate)
    assert other.low > 0


def test_few_images_give_no_figure_but_what_is_needed() -> None:
    assert kid(_draw(1, 300), _draw(2, 2000), _keys(1, 300), _keys(2, 2000)) == TooFew(300, 1000)


def test_one_viral_prompt_fills_no_other_block() -> None:
    found = kid(_draw(1, 2000), _draw(2, 2000), np.full(2000, 5, np.uint64), _keys(2, 2000))
    assert isinstance(found, TooFew)
