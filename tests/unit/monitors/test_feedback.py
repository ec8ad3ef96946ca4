from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.feedback import FeedbackCounts, feedback_decline
from monitors.verdict import Health, Reason, Verdict
from monitors.windows import Bucket

START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=1)
ALPHA = 1e-5
USUAL = FeedbackCounts(served=20_000, up=600, down=200, regenerated=2_000, downloaded=6_000)

feedback = st.integers(0, 500).flatmap(
    lambda served: st.builds(FeedbackCounts, st.just(served), *[st.integers(0, served)] * 4)
)


def judge(*counts: FeedbackCounts | None, usual: FeedbackCounts | None = USUAL) -> Verdict:
    buckets = [Bucket(START + i * WIDTH, each) for i, each in enumerate(counts)]
    return feedback_decline(buckets, usual, alpha=ALPHA, width=WIDTH, longest=timedelta(hours=1))


def a_thousand(**different: int) -> FeedbackCounts:
    same = {"served": 1000, "up": 30, "down": 10, "regenerated": 100, "downloaded": 300}
    return FeedbackCounts(**(same | different))


def test_the_usual_feedback_is_healthy() -> None:
    verdict = judge(a_thousand())
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)


@pytest.mark.parametrize(
    ("signal", "different"),
    [
        ("voted down", {"up": 5, "down": 90}),
        ("asked for again", {"regenerated": 220}),
        ("not downloaded", {"downloaded": 150}),
    ],
)
def test_each_sign_of_discontent_is_seen(signal: str, different: dict[str, int]) -> None:
    verdict = judge(a_thousand(**different))
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.FEEDBACK_WORSE)
    assert verdict.evidence["signal"] == signal
    assert verdict.effect is not None
    assert verdict.effect > 0.05


def test_people_who_vote_more_are_not_more_dissatisfied() -> None:
    livelier = a_thousand(up=300, down=100)
    assert livelier.down / livelier.served > 5 * USUAL.down / USUAL.served
    assert judge(livelier).health is Health.HEALTHY


def test_a_silent_content_majority_is_no_decline() -> None:
    only_the_angry = a_thousand(up=0, down=10)
    assert judge(only_the_angry).health is Health.HEALTHY


def test_without_earlier_feedback_nothing_is_judged() -> None:
    for usual in (None, FeedbackCounts(5, 0, 0, 0, 0)):
        verdict = judge(a_thousand(down=500, up=0), usual=usual)
        assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.NO_BASELINE)


def test_a_handful_of_images_is_inconclusive() -> None:
    verdict = judge(FeedbackCounts(10, 0, 10, 10, 0), None)
    assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS)


def test_discontent_is_bounded_by_what_the_silent_may_have_thought() -> None:
    assert FeedbackCounts(100, 20, 10, 0, 0).dissatisfied_bounds() == (0.1, 0.8)
    assert FeedbackCounts(0, 0, 0, 0, 0).dissatisfied_bounds() == (0.0, 1.0)


@given(feedback)
def test_the_bounds_hold_whatever_the_silent_think(counts: FeedbackCounts) -> None:
    low, high = counts.dissatisfied_bounds()
    assert counts.served == 0 or low == counts.down / counts.served
    assert 0.0 <= low <= 1.0
    assert 0.0 <= high <= 1.0


@given(feedback, feedback, feedback)
def test_counts_merge_in_any_order(a: FeedbackCounts, b: FeedbackCounts, c: FeedbackCounts) -> None:
    assert (a + b) + c == c + (b + a)


def test_more_feedback_than_images_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        FeedbackCounts(10, 0, 11, 0, 0)


def test_alarms_are_no_more_frequent_than_alpha_where_nothing_changed() -> None:
    rng, alpha, runs = np.random.default_rng(0), 0.01, 2000
    alarms = 0
    for _ in range(runs):
        counts = [rng.binomial(300, rate) for rate in (0.03, 0.01, 0.1, 0.3)]
        verdict = feedback_decline(
            [Bucket(START, FeedbackCounts(300, *map(int, counts)))], USUAL, alpha=alpha, width=WIDTH, longest=WIDTH
        )
        alarms += verdict.health is Health.DEGRADED
    assert alarms <= 3 * alpha * runs
