"""A service level objective of good images, watched by how fast its error budget burns.

The multiwindow, multi-burn-rate alerts of the SRE Workbook (Beyer et al. 2018, chapter 5, table 5-8): a fast burn over
an hour, a slower one over six, a slow one over three days, each confirmed by a window of a twelfth of its length, so
that the alert ends soon after the fault. The workbook's rules know no false-alarm rate and page for one bad request in
a quiet night; here each also has to be beyond chance, at the level that the monitor's share of the budget allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from monitors.binomial import at_least
from monitors.rates import RateCounts
from monitors.verdict import Health, Reason, Verdict
from monitors.windows import spoken

MIN_GENERATIONS = 30


@dataclass(frozen=True)
class BurnRule:
    """Alert when errors use up the budget `factor` times as fast as the objective allows, over both windows."""

    factor: float
    long: timedelta
    short: timedelta


RULES = (
    BurnRule(14.4, timedelta(hours=1), timedelta(minutes=5)),
    BurnRule(6.0, timedelta(hours=6), timedelta(minutes=30)),
    BurnRule(1.0, timedelta(days=3), timedelta(hours=6)),
)
WINDOWS = tuple(sorted({window for rule in RULES for window in (rule.short, rule.long)}))
TESTS = len(RULES)


@dataclass(frozen=True)
class _Burn:
    rule: BurnRule
    long: RateCounts
    p_value: float
    rate: float
    burning: bool


def burn_rate(bad: Mapping[timedelta, RateCounts], objective: float, *, alpha: float) -> Verdict:
    """Whether the share of images that are not good burns the error budget `1 - objective` too fast.

    `bad` holds, for each of `WINDOWS`, the newest generations of that window (fewer where it is cut at a release) and
    how many of them were not good. A rule fires when both windows burn at its factor or faster *and* so many bad ones
    in the long window would be a chance below `alpha` for a service that just keeps its objective (exact binomial):
    with little traffic that takes more than one bad image. Inconclusive below `MIN_GENERATIONS` in every long window.
    """
    if not 0.0 < objective < 1.0:
        raise ValueError(f"an objective is a share between 0 and 1, not {objective}")
    budget = 1.0 - objective
    burns = [_burn(rule, bad[rule.long], bad[rule.short], budget, alpha) for rule in RULES]
    judged = [burn for burn in burns if burn.long.total >= MIN_GENERATIONS]
    if not judged:
        most = max(burn.long.total for burn in burns)
        return Verdict(
            Health.INCONCLUSIVE,
            Reason.TOO_FEW_GENERATIONS,
            f"Only {most} generations to judge the objective by; at least {MIN_GENERATIONS} are needed.",
            threshold=alpha,
            n=most,
        )
    worst = min(judged, key=lambda burn: (not burn.burning, burn.p_value, burn.rule.long))
    share = worst.long.events / worst.long.total
    pace = f"{worst.rate:.1f} times as fast as the objective of {objective:.2%} allows"
    summary = (
        f"In the last {spoken(worst.rule.long.total_seconds())} {share:.2%} of {worst.long.total} images were not "
        f"good, which uses up the error budget {pace}."
    )
    return Verdict(
        Health.DEGRADED if worst.burning else Health.HEALTHY,
        Reason.ERROR_BUDGET_BURN if worst.burning else Reason.WITHIN_BUDGET,
        summary,
        effect=worst.rate,
        p_value=worst.p_value,
        threshold=alpha,
        window_seconds=worst.rule.long.total_seconds(),
        n=worst.long.total,
        evidence={
            "objective": objective,
            "bad": worst.long.events,
            "burn_rates": {spoken(window.total_seconds()): _rate(bad[window], budget) for window in WINDOWS},
        },
    )


def _burn(rule: BurnRule, long: RateCounts, short: RateCounts, budget: float, alpha: float) -> _Burn:
    p_value = at_least(long.events, long.total, budget)
    rate = _rate(long, budget)
    fast = min(rate, _rate(short, budget)) >= rule.factor
    return _Burn(rule, long, p_value, rate, fast and long.total >= MIN_GENERATIONS and p_value < alpha)


def _rate(counts: RateCounts, budget: float) -> float:
    """How many times as fast as allowed the error budget is used up; 0 of nothing."""
    return counts.events / counts.total / budget if counts.total else 0.0
