from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitors.rates import RateCounts
from monitors.slo import RULES, WINDOWS, burn_rate
from monitors.verdict import Health, Reason

OBJECTIVE = 0.99
ALPHA = 1e-5
HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)


def steady(share: float, an_hour: int = 1200) -> dict[timedelta, RateCounts]:
    """The same share of bad images at all times."""
    totals = {window: int(an_hour * window / HOUR) for window in WINDOWS}
    return {window: RateCounts(round(share * total), total) for window, total in totals.items()}


def test_a_service_that_keeps_its_objective_is_healthy() -> None:
    verdict = burn_rate(steady(0.008), OBJECTIVE, alpha=ALPHA)
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)


@pytest.mark.parametrize(("share", "window"), [(0.2, HOUR), (0.08, timedelta(hours=6)), (0.013, timedelta(days=3))])
def test_each_pace_is_seen_by_its_own_rule(share: float, window: timedelta) -> None:
    only_as_long = {w: counts if w <= window else RateCounts(0, counts.total) for w, counts in steady(share).items()}
    verdict = burn_rate(only_as_long, OBJECTIVE, alpha=ALPHA)
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.ERROR_BUDGET_BURN)
    assert verdict.window_seconds == window.total_seconds()
    assert verdict.effect == pytest.approx(share / 0.01, rel=0.1)


def test_an_alert_ends_with_the_fault_not_with_its_long_window() -> None:
    over = steady(0.2) | {rule.short: RateCounts(0, 100) for rule in RULES}
    assert burn_rate(over, OBJECTIVE, alpha=ALPHA).health is Health.HEALTHY


def test_one_bad_image_in_a_quiet_night_wakes_nobody() -> None:
    quiet = {window: RateCounts(0, 40) for window in WINDOWS} | {
        HOUR: RateCounts(1, 40),
        FIVE_MINUTES: RateCounts(1, 4),
    }
    verdict = burn_rate(quiet, 0.999, alpha=ALPHA)
    assert quiet[HOUR].events / 40 / 0.001 > RULES[0].factor, "the workbook's rule alone would have paged"
    assert verdict.health is Health.HEALTHY


def test_next_to_no_traffic_is_inconclusive() -> None:
    verdict = burn_rate(dict.fromkeys(WINDOWS, RateCounts(5, 5)), OBJECTIVE, alpha=ALPHA)
    assert (verdict.health, verdict.reason, verdict.n) == (Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, 5)


@pytest.mark.parametrize("objective", [0.0, 1.0, -1.0])
def test_an_objective_that_cannot_be_missed_or_met_is_refused(objective: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        burn_rate(steady(0.0), objective, alpha=ALPHA)


@settings(max_examples=20, deadline=None)
@given(st.integers(30, 300), st.sampled_from([1e-2, 1e-3, 1e-5]))
def test_a_service_just_at_its_objective_alarms_no_more_often_than_alpha(total: int, alpha: float) -> None:
    # All windows the same: the chance of an alarm is at most that of the first count beyond chance.
    def fires(events: int) -> bool:
        bad = dict.fromkeys(WINDOWS, RateCounts(events, total))
        return burn_rate(bad, OBJECTIVE, alpha=alpha).health is Health.DEGRADED

    first = next((events for events in range(total + 1) if fires(events)), None)
    assert first is None or stats.binom.sf(first - 1, total, 1 - OBJECTIVE) < alpha
