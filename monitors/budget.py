"""How small a p-value must be before it may wake somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

MONTH = timedelta(days=30)


@dataclass(frozen=True)
class AlarmBudget:
    """The alarms a healthy month may be expected to show, shared by everything that may raise one.

    Every tick makes `windows * tests` comparisons for each of `monitors` monitors. By the union bound their expected
    number of false alarms is at most the number of comparisons times alpha, however the windows overlap.
    """

    false_alarms_per_month: float
    tick: timedelta
    windows: int
    tests: int
    monitors: int = 1

    def __post_init__(self) -> None:
        if self.false_alarms_per_month <= 0 or self.tick <= timedelta(0):
            raise ValueError("a budget needs a positive number of false alarms and a positive tick")
        if min(self.windows, self.tests, self.monitors) < 1:
            raise ValueError("a budget covers at least one window, one test and one monitor")

    @property
    def comparisons_per_month(self) -> float:
        return MONTH / self.tick * self.windows * self.tests * self.monitors

    @property
    def alpha(self) -> float:
        """The level of one comparison (Bonferroni)."""
        return min(1.0, self.false_alarms_per_month / self.comparisons_per_month)

    def expected_false_alarms(self, alpha: float) -> float:
        """The inverse: false alarms a month, at most, when each comparison is made at `alpha`."""
        return alpha * self.comparisons_per_month
