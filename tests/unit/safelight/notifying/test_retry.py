"""The retry schedule as a decision."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.notifying.retry import (
    MOST_ATTEMPTS,
    PAUSES,
    Answered,
    Delivered,
    Disable,
    Failure,
    GiveUp,
    Outcome,
    Retry,
    next_step,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

attempts = st.integers(1, MOST_ATTEMPTS)
jitters = st.floats(0, 1, exclude_max=True)
retry_afters = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
failures: st.SearchStrategy[Outcome] = st.sampled_from(Failure) | st.builds(
    Answered,
    st.integers(100, 599).filter(lambda status: not 200 <= status < 300 and status != 410),
    retry_afters,
)


def test_the_schedule_is_the_specifications() -> None:
    expected = ["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"]
    units = {"s": "seconds", "m": "minutes", "h": "hours"}
    assert tuple(timedelta(**{units[text[-1]]: int(text[:-1])}) for text in expected) == PAUSES


@given(attempts, st.integers(200, 299), retry_afters, jitters)
def test_any_2xx_is_delivered(attempt: int, status: int, after: timedelta | None, jitter: float) -> None:
    assert next_step(attempt, Answered(status, after), NOON, jitter) == Delivered()


@given(attempts, retry_afters, jitters)
def test_gone_disables_at_once(attempt: int, after: timedelta | None, jitter: float) -> None:
    assert next_step(attempt, Answered(410, after), NOON, jitter) == Disable()


@given(st.integers(1, MOST_ATTEMPTS - 1), failures, jitters)
def test_a_failure_waits_at_least_the_schedules_pause_and_never_for_ever(
    attempt: int, outcome: Outcome, jitter: float
) -> None:
    step = next_step(attempt, outcome, NOON, jitter)
    assert isinstance(step, Retry)
    assert PAUSES[attempt - 1] <= step.at - NOON <= max(PAUSES[attempt - 1] * 1.1, timedelta(hours=24))


@given(failures, jitters)
def test_the_last_attempt_is_the_last(outcome: Outcome, jitter: float) -> None:
    assert next_step(MOST_ATTEMPTS, outcome, NOON, jitter) == GiveUp()


@given(failures, jitters)
def test_all_attempts_together_take_three_days(outcome: Outcome, jitter: float) -> None:
    now, attempt = NOON, 1
    while isinstance(step := next_step(attempt, outcome, now, jitter), Retry):
        now, attempt = step.at, attempt + 1
    assert attempt == 10
    assert timedelta(hours=75) < now - NOON


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (timedelta(seconds=1), timedelta(seconds=5)),
        (timedelta(minutes=1), timedelta(minutes=1)),
        (timedelta(days=9), timedelta(hours=24)),
    ],
)
def test_a_receiver_may_ask_for_more_time_within_bounds(asked: timedelta, given: timedelta) -> None:
    assert next_step(1, Answered(503, asked), NOON, 0.0) == Retry(NOON + given)


@given(attempts, st.sampled_from([400, 403, 404]), retry_afters, jitters)
def test_a_receiver_that_will_never_take_it_is_not_asked_again(
    attempt: int, status: int, after: timedelta | None, jitter: float
) -> None:
    assert next_step(attempt, Answered(status, after), NOON, jitter, frozenset({400, 403, 404})) == GiveUp()
