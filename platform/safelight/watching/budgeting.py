"""What a generator's false-alarm budget is spent on, and what can be seen for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from safelight.store.standings import Standing
from safelight.watching.assess import AskedMonitor


@dataclass(frozen=True)
class Spending:
    """One monitor's part of the budget.

    A tick makes every comparison of the monitor at levels that add up, over its slices, to `alpha`: half of it on all
    traffic and the other half on the slices that are tested, in equal parts. So `expected_false_alarms` a month do not
    depend on how many slices there are, while `comparisons_a_month` do; each slice's `threshold` is its own level, and
    `detectable_effect` the smallest change that would be seen in it now. A monitor that does not alert spends nothing.
    """

    monitor: str
    kind: str
    alerts: bool
    alpha: float
    comparisons_a_month: float
    expected_false_alarms: float
    slices: Sequence[Standing]


def spending(asked: Iterable[AskedMonitor], standings: Iterable[Standing]) -> list[Spending]:
    """What each monitor that is asked now spends at most, in their order; `standings` are the generator's newest."""
    stood = list(standings)
    return [_spent(monitor, [each for each in stood if each.monitor == monitor.name]) for monitor in asked]


def total(spent: Iterable[Spending]) -> float:
    """False alarms a month to be expected at most, over all monitors and slices."""
    return sum(each.expected_false_alarms for each in spent)


def _spent(monitor: AskedMonitor, slices: Sequence[Standing]) -> Spending:
    critical = monitor.document.critical
    return Spending(
        monitor=monitor.name,
        kind=monitor.document.kind,
        alerts=critical,
        alpha=monitor.alpha,
        comparisons_a_month=monitor.budget.comparisons_per_month * max(1, len(slices)),
        expected_false_alarms=monitor.budget.expected_false_alarms(monitor.alpha) if critical else 0.0,
        slices=slices,
    )
