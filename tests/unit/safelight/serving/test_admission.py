"""Who is let in: bounded, with room for newcomers, and told when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import Kind
from safelight.serving.admission import Crowd, RateLimit, Refusal, Refused, Speed
from safelight.serving.rendering import Finish
from safelight.serving.wire import Facts


def fill(crowd: Crowd, account: str) -> int:
    """Let an account in, image by image, until it is refused."""
    held = 0
    while crowd.refusal_of(account, 1) is None:
        crowd.enter(account, 1)
        held += 1
    return held


def test_one_key_alone_takes_four_fifths_and_the_next_finds_room() -> None:
    crowd = Crowd(500)
    assert fill(crowd, "greedy") == 400
    assert crowd.refusal_of("greedy", 1) is Refusal.SHARE_FULL
    assert fill(crowd, "modest") == 80
    assert fill(crowd, "third") == 16


def test_more_than_there_is_room_for_is_refused_and_an_empty_queue_takes_any_request() -> None:
    crowd = Crowd(4)
    assert crowd.refusal_of("a", 9) is None
    crowd.enter("a", 9)
    assert crowd.refusal_of("b", 1) is Refusal.QUEUE_FULL
    crowd.leave("a", 9)
    assert (crowd.total, crowd.refusal_of("b", 4)) == (0, None)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), max_size=60), st.integers(6, 40))
def test_there_are_never_more_than_may_be(asked: list[tuple[str, int]], most: int) -> None:
    crowd = Crowd(most)
    for account, images in asked:
        if crowd.refusal_of(account, images) is None:
            crowd.enter(account, images)
        assert crowd.total <= most


def test_a_newcomer_waits_for_its_turns_and_not_for_everything_that_others_want() -> None:
    crowd = Crowd(500)
    crowd.enter("greedy", 300)
    assert crowd.ahead_of("greedy", 1) == 300
    assert crowd.ahead_of("modest", 2) == 2 + 1


def test_a_rate_allows_a_burst_and_then_one_at_a_time() -> None:
    rates = RateLimit(60, burst=3)
    assert [rates.wait("a", 1, 0.0) for _ in range(4)] == [0, 0, 0, 1.0]
    assert rates.wait("a", 1, 0.5) == 0.5
    assert rates.wait("a", 1, 1.0) == 0
    assert rates.wait("b", 3, 1.0) == 0


def test_what_is_refused_is_not_counted() -> None:
    rates = RateLimit(60, burst=2)
    assert rates.wait("a", 2, 0.0) == 0
    assert [rates.wait("a", 2, 0.0) for _ in range(3)] == [2.0] * 3
    assert rates.wait("a", 2, 2.0) == 0


def test_more_than_a_burst_is_allowed_after_a_pause_and_paid_for_later() -> None:
    rates = RateLimit(60, burst=2)
    assert rates.wait("a", 5, 0.0) == 0
    assert rates.wait("a", 1, 0.0) == 4.0
    assert rates.wait("a", 5, 1.0) == 4.0
    assert rates.wait("a", 5, 5.0) == 0


def test_without_a_rate_there_is_no_limit() -> None:
    rates = RateLimit(None, burst=1)
    assert {rates.wait("a", 100, 0.0) for _ in range(100)} == {0}


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), max_size=60))
def test_no_minute_holds_more_than_a_minutes_images_and_a_burst(asked: list[tuple[float, int]]) -> None:
    rates, let_in = RateLimit(30, burst=5), list[tuple[float, int]]()
    now = 0.0
    for pause, images in asked:
        now += pause
        if rates.wait("a", images, now) == 0:
            let_in.append((now, images))
    for start, _ in let_in:
        assert sum(images for at, images in let_in if start <= at < start + 60) <= 30 + 5 + 1


@pytest.mark.parametrize(("after", "seconds"), [(0.0, 1), (1.2, 2), (1e9, 600)])
def test_the_refused_are_told_a_whole_number_of_seconds(after: float, seconds: int) -> None:
    error = Refused(Refusal.RATE_LIMITED, after).error
    assert (error.kind, error.code, error.details) == (Kind.BUSY, "rate_limited", {"retry_after": seconds})
    assert str(seconds) in error.message
    assert Refused(Refusal.TOO_LATE, after).error.kind is Kind.UNAVAILABLE


def test_speed_is_what_an_image_took_lately_shared_by_the_engines() -> None:
    def facts(engine_ms: float, batch_size: int) -> Facts:
        return Facts(
            finish=Finish.COMPLETE, queue_ms=0, engine_ms=engine_ms, batch_size=batch_size, position=0,
            scheduler="None", environment={}, environment_digest="",
        )  # fmt: skip

    speed = Speed()
    assert speed.seconds_for(100, 1) == 0
    speed.note(facts(8000, 8))
    assert speed.seconds_for(10, 2) == 5.0
    for _ in range(50):
        speed.note(facts(500, 1))
    assert speed.seconds_for(10, 0) == pytest.approx(5.0, rel=1e-3)
