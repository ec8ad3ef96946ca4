from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitors.rates import (
    LatencyHistogram,
    Rate,
    RateCounts,
    above_usual,
    error_rate,
    latency,
    upper_bound,
)
from monitors.verdict import Health, Reason
from monitors.windows import Bucket

START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ALPHA = 1e-6
BOUNDS = (0.1, 0.5, 1.0, 2.0)

histograms = st.lists(st.integers(0, 50), min_size=5, max_size=5).map(lambda c: LatencyHistogram(BOUNDS, tuple(c)))


def rates(*counts: tuple[int, int] | None) -> list[Bucket[RateCounts]]:
    return [Bucket(START + i * WIDTH, None if c is None else RateCounts(*c)) for i, c in enumerate(counts)]


def test_errors_within_the_target_are_healthy() -> None:
    verdict = error_rate(rates((1, 100), (0, 100)), 0.01, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)


def test_a_burst_of_errors_shows_in_the_shortest_window() -> None:
    verdict = error_rate(rates(*[(0, 100)] * 30, (30, 100)), 0.01, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.ERROR_RATE_UP)
    assert verdict.window_seconds == 60
    assert "30.00% of 100" in verdict.summary


def test_a_slow_rise_of_errors_shows_in_a_long_window_only() -> None:
    steady = rates(*[(3, 100)] * 32)
    assert error_rate(steady[-1:], 0.01, alpha=ALPHA, width=WIDTH, longest=HOUR).health is Health.HEALTHY
    verdict = error_rate(steady, 0.01, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert verdict.health is Health.DEGRADED
    assert verdict.window_seconds == 32 * 60


def test_too_little_traffic_is_inconclusive_even_if_all_of_it_fails() -> None:
    verdict = error_rate(rates((5, 5), None), 0.01, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert (verdict.health, verdict.reason, verdict.n) == (Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, 5)


def test_errors_before_the_repair_are_forgotten() -> None:
    broken_then_repaired = rates((100, 100), (0, 100))
    verdict = error_rate(broken_then_repaired, 0.01, alpha=ALPHA, width=WIDTH, longest=HOUR, since=START + WIDTH)
    assert verdict.health is Health.HEALTHY


@given(st.integers(30, 500), st.data())
def test_more_events_never_raise_the_p_value(total: int, data: st.DataObject) -> None:
    fewer = data.draw(st.integers(0, total - 1))
    p_values = [
        error_rate(rates((events, total)), 0.02, alpha=ALPHA, width=WIDTH, longest=HOUR).p_value or 0.0
        for events in (fewer, fewer + 1)
    ]
    assert p_values[1] <= p_values[0]


def test_blank_images_are_held_against_the_baseline_and_its_uncertainty() -> None:
    seen = rates((4, 200))
    small = above_usual(Rate.BLANK, seen, RateCounts(0, 50), 0.002, alpha=1e-3, width=WIDTH, longest=HOUR)
    large = above_usual(Rate.BLANK, seen, RateCounts(0, 100_000), 0.002, alpha=1e-3, width=WIDTH, longest=HOUR)
    assert small.health is Health.HEALTHY
    assert (large.health, large.reason) == (Health.DEGRADED, Reason.BLANK_RATE_UP)


@pytest.mark.parametrize(
    ("rate", "reason"),
    [(Rate.FILTERED, Reason.FILTERED_RATE_UP), (Rate.NEAR_DUPLICATE, Reason.NEAR_DUPLICATES_UP)],
)
def test_what_was_usual_before_is_allowed_for(rate: Rate, reason: Reason) -> None:
    seen = rates((30, 200))
    usual = above_usual(rate, seen, RateCounts(150, 1000), 0.02, alpha=ALPHA, width=WIDTH, longest=HOUR)
    risen = above_usual(rate, seen, RateCounts(5, 1000), 0.02, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert usual.health is Health.HEALTHY
    assert (risen.health, risen.reason) == (Health.DEGRADED, reason)


@pytest.mark.parametrize("rate", Rate)
@pytest.mark.parametrize("baseline", [None, RateCounts(0, 0)])
def test_without_a_baseline_a_rate_is_not_judged(rate: Rate, baseline: RateCounts | None) -> None:
    verdict = above_usual(rate, rates((100, 100)), baseline, 0.0, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.NO_BASELINE)


@given(st.integers(1, 10_000), st.data())
def test_the_upper_bound_is_where_so_few_events_become_unlikely(total: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, total))
    bound = upper_bound(RateCounts(events, total))
    assert events / total <= bound <= 1
    if events < total:
        assert stats.binom.cdf(events, total, bound) == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize(("events", "total"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(events: int, total: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        RateCounts(events, total)


@given(histograms, histograms, st.sampled_from(BOUNDS))
def test_histograms_merge_like_the_requests_they_count(a: LatencyHistogram, b: LatencyHistogram, limit: float) -> None:
    assert a + b == b + a
    assert (a + b).total == a.total + b.total
    assert (a + b).slower_than(limit) == a.slower_than(limit) + b.slower_than(limit)


def test_quantiles_are_bounds_that_enough_requests_kept() -> None:
    histogram = LatencyHistogram(BOUNDS, (90, 6, 2, 1, 1))
    assert [histogram.quantile_bound(q) for q in (0.5, 0.95, 0.98, 0.99)] == [0.1, 0.5, 1.0, 2.0]
    assert histogram.quantile_bound(1.0) is None
    assert LatencyHistogram(BOUNDS, (0, 0, 0, 0, 0)).quantile_bound(0.5) is None


def test_a_limit_inside_a_class_gives_the_benefit_of_the_doubt() -> None:
    histogram = LatencyHistogram(BOUNDS, (0, 0, 10, 20, 5))
    assert histogram.slower_than(1.0) == RateCounts(25, 35)
    assert histogram.slower_than(1.5) == RateCounts(5, 35)


def test_histograms_of_other_bounds_do_not_merge() -> None:
    with pytest.raises(ValueError, match="do not merge"):
        LatencyHistogram((1.0,), (1, 1)) + LatencyHistogram((2.0,), (1, 1))


@pytest.mark.parametrize(
    ("bounds", "counts"), [((1.0, 0.5), (0, 0, 0)), ((1.0, 1.0), (0, 0, 0)), ((1.0,), (0,)), ((1.0,), (0, -1))]
)
def test_malformed_histograms_are_refused(bounds: tuple[float, ...], counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"rising bounds|negative"):
        LatencyHistogram(bounds, counts)


@pytest.mark.parametrize(
    ("counts", "health"), [((900, 60, 38, 1, 1), Health.HEALTHY), ((500, 100, 100, 200, 100), Health.DEGRADED)]
)
def test_latency_is_up_when_too_many_requests_are_slow(counts: tuple[int, ...], health: Health) -> None:
    buckets = [Bucket(START, LatencyHistogram(BOUNDS, counts))]
    verdict = latency(buckets, 1.0, alpha=ALPHA, width=WIDTH, longest=HOUR)
    assert verdict.health is health
    assert "slower than 1 s" in verdict.summary
