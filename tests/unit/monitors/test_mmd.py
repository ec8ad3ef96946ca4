import numpy as np
import pytest
from numpy.typing import NDArray

from monitors.estimates import Estimate, TooFew
from monitors.mmd import CMMD_BANDWIDTH, CMMD_SCALE, RandomFeatures, cmmd, grouped_sums, squared_mmd

DIMENSIONS = 16


def _draw(seed: int, n: int, shift: float = 0.0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, DIMENSIONS))
    rows[:, 0] += shift
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _keys(seed: int, n: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**63, n, dtype=np.uint64)


def _exact(a: NDArray[np.float32], b: NDArray[np.float32], bandwidth: float) -> float:
    """Gretton et al. 2012, equation 3, pair by pair."""

    def mean(x: NDArray[np.float32], y: NDArray[np.float32], *, same: bool) -> float:
        squared = ((x[:, None, :].astype(np.float64) - y[None]) ** 2).sum(axis=2)
        kernel = np.exp(-squared / (2 * bandwidth**2))
        return float(kernel[~np.eye(len(x), dtype=bool)].mean() if same else kernel.mean())

    return mean(a, a, same=True) + mean(b, b, same=True) - 2 * mean(a, b, same=False)


def test_many_random_features_give_the_exact_unbiased_estimate() -> None:
    a, b = _draw(0, 120), _draw(1, 90, shift=1.0)
    features = RandomFeatures.draw(DIMENSIONS, count=60_000, bandwidth=1.0, seed=3)
    assert squared_mmd(features.sums(a), features.sums(b)) == pytest.approx(_exact(a, b, 1.0), rel=0.05)


def test_sums_merge_by_addition() -> None:
    a, b, features = _draw(2, 1500), _draw(3, 40), RandomFeatures.draw(DIMENSIONS)
    parts = features.sums(a[:700]) + features.sums(a[700:])
    assert squared_mmd(parts, features.sums(b)) == pytest.approx(
        squared_mmd(features.sums(a), features.sums(b)), abs=1e-9
    )
    np.testing.assert_allclose((parts - features.sums(a[700:])).total, features.sums(a[:700]).total, atol=1e-6)


def test_it_is_zero_on_average_where_nothing_differs_and_its_interval_says_so() -> None:
    features = RandomFeatures.draw(DIMENSIONS, count=256)
    found = [
        cmmd(
            grouped_sums(features, _draw(i, 400), _keys(i, 400)),
            grouped_sums(features, _draw(i + 500, 400), _keys(i + 500, 400)),
        )
        for i in range(60)
    ]
    estimates = [each for each in found if isinstance(each, Estimate)]
    values = [each.value for each in estimates]
    assert len(estimates) == 60
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
    assert sum(each.low <= 0 <= each.high for each in estimates) >= 54


def test_cmmd_is_the_published_scale_and_bandwidth() -> None:
    a, b = _draw(4, 600), _draw(5, 600, shift=1.0)
    features = RandomFeatures.draw(DIMENSIONS, count=4096)
    found = cmmd(grouped_sums(features, a, _keys(1, 600)), grouped_sums(features, b, _keys(2, 600)))
    assert isinstance(found, Estimate)
    exact = CMMD_SCALE * _exact(a, b, CMMD_BANDWIDTH)
    assert found.value == pytest.approx(exact, rel=0.1)
    assert found.low < exact < found.high


def test_few_images_give_no_figure_but_what_is_needed() -> None:
    features = RandomFeatures.draw(DIMENSIONS)
    few, many = (grouped_sums(features, _draw(6, n), _keys(3, n)) for n in (150, 300))
    assert cmmd(few, many) == TooFew(150, 200)
