from __future__ import annotations

import numpy as np
import pytest

from monitors.calibration import fourth_cumulant


def test_the_fourth_cumulant_is_that_of_the_values_own_scale() -> None:
    """Mardia's excess kurtosis of a multivariate t, 2 p (p + 2) / (v - 4), whatever its covariance was whitened by."""
    rng = np.random.default_rng(0)
    n, features, freedom, scale = 400_000, 8, 12.0, 0.9
    heavy = rng.standard_normal((n, features)) * np.sqrt((freedom - 2.0) / rng.chisquare(freedom, (n, 1)))
    exact = 2.0 * features * (features + 2.0) / (freedom - 4.0)
    assert fourth_cumulant(heavy) == pytest.approx(exact, rel=0.1)
    assert fourth_cumulant(scale * heavy) == pytest.approx(scale**4 * exact, rel=0.1)


def test_normal_values_have_no_fourth_cumulant_whatever_their_variances() -> None:
    normal = np.random.default_rng(0).standard_normal((400_000, 8)) * np.linspace(0.5, 1.5, 8)
    assert fourth_cumulant(normal) < 0.5
