"""What scipy.stats says of the binomial, Student's and the chi-squared distribution, without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import monitors
from monitors.binomial import at_least, quantile
from monitors.estimates import student
from monitors.misfit import _sensitivity

CLOSE = 1e-11
totals = st.integers(0, 10**7)
shares = st.floats(1e-9, 1.0 - 1e-9)


@given(totals, shares, st.data())
def test_at_least_is_the_binomial_tail(total: int, share: float, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, total))
    expected = float(stats.binom.sf(events - 1, total, share))
    assert at_least(events, total, share) == pytest.approx(expected, rel=CLOSE, abs=1e-300)


def test_the_ends_of_the_binomial() -> None:
    assert at_least(0, 0, 0.3) == 1.0
    assert at_least(0, 10, 0.0) == 1.0
    assert at_least(1, 10, 0.0) == 0.0
    assert at_least(10, 10, 1.0) == 1.0
    assert at_least(10, 10, 0.5) == pytest.approx(2.0**-10)


@given(st.integers(1, 10**6), st.floats(0.001, 0.999), st.floats(1e-6, 1.0 - 1e-6))
def test_quantiles_are_the_least_counts_with_that_chance(total: int, share: float, chance: float) -> None:
    assert quantile(chance, total, share) == int(stats.binom.ppf(chance, total, share))


@given(st.integers(1, 10**6))
def test_students_interval(degrees: int) -> None:
    expected = float(stats.t.ppf(0.975, degrees))
    assert student(0.0, 1.0, degrees, degrees + 1).high == pytest.approx(expected, rel=CLOSE)


def test_the_sensitivity_of_normal_tails() -> None:
    rates = np.array([1e-4, 1e-3, 0.01, 0.05, 0.3])
    quantile = stats.norm.isf(rates)
    expected = stats.norm.pdf(quantile) ** 2 * (1.0 + quantile**2) / (rates * (1.0 - rates))
    np.testing.assert_allclose(_sensitivity(rates), expected, rtol=CLOSE)


def test_no_monitor_imports_what_costs_every_process_half_a_second() -> None:
    folder = Path(monitors.__file__).parent
    behind_a_door = {"scalar_report"}  # brings in Evidently, and is itself imported only where a report is made
    names = sorted({file.stem for file in folder.glob("[a-z]*.py")} - behind_a_door)
    program = f"import sys; from monitors import {', '.join(names)}; sys.exit('scipy.stats' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=folder.parent, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
