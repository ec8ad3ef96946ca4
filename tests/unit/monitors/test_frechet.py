import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg

from monitors.estimates import Estimate, TooFew
from monitors.frechet import Moments, clip_fd, frechet_distance

DIMENSIONS = 12
SPREAD = np.arange(1, DIMENSIONS + 1) ** -0.5


def _draw(seed: int, n: int, shift: float = 0.0, spread: float = 1.0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, DIMENSIONS)) * SPREAD * spread
    rows[:, 0] += shift
    return rows.astype(np.float32)


def _keys(seed: int, n: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**63, n, dtype=np.uint64)


def test_it_is_the_published_formula_with_a_general_matrix_root() -> None:
    a, b = _draw(0, 300), _draw(1, 200, shift=0.4, spread=1.3) @ np.linalg.qr(_draw(2, DIMENSIONS))[0]
    first, second = np.cov(a.T.astype(np.float64)), np.cov(b.T.astype(np.float64))
    root = linalg.sqrtm(first @ second)
    expected = ((a.mean(0, np.float64) - b.mean(0, np.float64)) ** 2).sum() + np.trace(first + second - 2 * root.real)
    assert frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(expected, rel=1e-8)


def test_moments_merge_and_come_apart() -> None:
    a, b = Moments.of(_draw(3, 40)), Moments.of(_draw(4, 60))
    whole = Moments.of(np.concatenate([_draw(3, 40), _draw(4, 60)]))
    for found in (a + b, whole):
        assert found.n == 100
        np.testing.assert_allclose(found.covariance, whole.covariance)
    np.testing.assert_allclose((whole - b).mean, a.mean)


def test_the_plain_distance_is_biased_and_the_figure_is_not() -> None:
    plain, figures, covered = [], [], 0
    for trial in range(40):
        a, b = _draw(2 * trial, 400), _draw(2 * trial + 1, 400)
        plain.append(frechet_distance(Moments.of(a), Moments.of(b)))
        found = clip_fd(a, b, _keys(trial, 400), _keys(1000 + trial, 400))
        assert isinstance(found, Estimate)
        figures.append(found.value)
        covered += found.low <= 0.0 <= found.high
    error = np.std(figures) / np.sqrt(len(figures))
    assert np.mean(plain) > 10 * error
    assert abs(np.mean(figures)) < 3 * error
    assert covered >= 35


def test_a_true_distance_is_found() -> None:
    shift, spread = 0.3, 1.2
    truth = shift**2 + float(((SPREAD * (spread - 1.0)) ** 2).sum())
    found = clip_fd(_draw(5, 3000), _draw(6, 3000, shift, spread), _keys(1, 3000), _keys(2, 3000))
    assert isinstance(found, Estimate)
    assert found.low < truth < found.high
    assert found.high - found.low < truth


def test_few_images_give_no_figure_but_what_is_needed() -> None:
    few = 3 * DIMENSIONS - 1
    assert clip_fd(_draw(7, few), _draw(8, 900), _keys(3, few), _keys(4, 900)) == TooFew(few, 3 * DIMENSIONS)
