"""Buckets on a grid, and answers that rest on nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitors.rates import LatencyHistogram, Rate, RateCounts
from monitors.verdict import Health, Reason
from safelight.store.journals import JournalReport
from safelight.watching.questions import RateQuestion, ServiceQuestion, Span, on_grid

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def test_buckets_are_consecutive_and_gaps_stay_empty() -> None:
    span = Span(at(0), at(3), MINUTE)
    buckets = span.buckets({at(1): RateCounts(0, 5), at(7): RateCounts(1, 1)})
    assert [bucket.start for bucket in buckets] == [at(0), at(1), at(2)]
    assert [bucket.content for bucket in buckets] == [None, RateCounts(0, 5), None]


def test_a_span_that_ends_before_it_starts_is_empty() -> None:
    span = Span(at(3), at(1), MINUTE)
    assert span.buckets({at(3): RateCounts(0, 1)}) == []
    assert span.length == MINUTE


def test_finer_buckets_are_added_up() -> None:
    fine = [(at(1), RateCounts(1, 2)), (at(1.5), RateCounts(0, 3)), (at(2), RateCounts(0, 1))]
    assert on_grid(fine, MINUTE) == {at(1): RateCounts(1, 5), at(2): RateCounts(0, 1)}


def test_blank_images_outside_the_span_do_not_count() -> None:
    question = RateQuestion(
        Rate.BLANK, {at(0): RateCounts(500, 500), at(1): RateCounts(0, 500)}, RateCounts(0, 3000), 0.002
    )
    assert question.answer(Span(at(0), at(2), MINUTE), 1e-6).reason is Reason.BLANK_RATE_UP
    assert question.answer(Span(at(1), at(2), MINUTE), 1e-6).health is Health.HEALTHY


def service(failed: int, slow: int, unlogged: int = 0) -> ServiceQuestion:
    return ServiceQuestion(
        requests={at(0): RateCounts(failed, 500)},
        latencies={at(0): LatencyHistogram((1.0, 10.0), (500 - slow, 0, slow))},
        unlogged={at(0): unlogged},
        max_error_rate=0.05,
        latency_seconds=10.0,
        latency_quantile=0.95,
    )


def test_failures_and_slowness_are_one_answer() -> None:
    span = Span(at(0), at(1), MINUTE)
    assert service(0, 0).answer(span, 1e-6).health is Health.HEALTHY
    assert service(200, 0).answer(span, 1e-6).reason is Reason.ERROR_RATE_UP
    assert service(0, 200).answer(span, 1e-6).reason is Reason.LATENCY_UP


def test_what_was_served_off_the_record_is_told_while_it_is_news() -> None:
    answer = service(0, 0, unlogged=3).answer(Span(at(0), at(1), MINUTE), 1e-6)
    assert (answer.health, answer.reason, answer.n) == (Health.DEGRADED, Reason.UNLOGGED, 3)
    assert service(0, 0, unlogged=3).answer(Span(at(0), at(5), MINUTE), 1e-6).reason is Reason.UNLOGGED
    assert service(0, 0, unlogged=3).answer(Span(at(0), at(6), MINUTE), 1e-6).health is Health.HEALTHY


def test_a_journal_that_fills_is_told_of_before_it_is_full() -> None:
    usual = JournalReport("host/journal", entries=3, refused=0, fill=0.01, oldest_at=at(0), reported_at=at(1))
    filling = replace(usual, name="other/journal", entries=9000, fill=0.5)
    span = Span(at(0), at(1), MINUTE)
    assert replace(service(0, 0), journals=[usual]).answer(span, 1e-6).health is Health.HEALTHY
    answer = replace(service(0, 0), journals=[usual, filling]).answer(span, 1e-6)
    assert (answer.health, answer.reason, answer.n) == (Health.DEGRADED, Reason.JOURNAL_FILLING, 9000)
    assert "other/journal is 50% full" in answer.summary
