from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.budget import AlarmBudget

budgets = st.builds(
    AlarmBudget,
    false_alarms_per_month=st.floats(0.01, 100),
    tick=st.timedeltas(timedelta(seconds=1), timedelta(days=1)),
    windows=st.integers(1, 20),
    tests=st.integers(1, 5),
    monitors=st.integers(1, 1000),
)


@given(budgets)
def test_alpha_spends_no_more_than_the_budget(budget: AlarmBudget) -> None:
    assert 0 < budget.alpha <= 1
    assert budget.expected_false_alarms(budget.alpha) <= budget.false_alarms_per_month * (1 + 1e-12)


def test_the_figures_of_one_alarm_in_thirty_days_at_five_minute_ticks() -> None:
    budget = AlarmBudget(1.0, timedelta(minutes=5), windows=5, tests=2)
    assert budget.alpha == pytest.approx(1 / 8640 / 10)
    assert budget.expected_false_alarms(1e-4) == pytest.approx(8.64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_alarms_per_month": 0.0},
        {"tick": timedelta(0)},
        {"windows": 0},
        {"tests": 0},
        {"monitors": 0},
    ],
)
def test_budgets_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    sound: dict[str, object] = {"false_alarms_per_month": 1.0, "tick": timedelta(minutes=1), "windows": 1, "tests": 1}
    with pytest.raises(ValueError, match="budget"):
        AlarmBudget(**{**sound, **wrong})  # type: ignore[arg-type]  # fields by name
