from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.rates import RateCounts
from monitors.windows import Bucket, dyadic_windows, spoken, window_count

START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=1)


def buckets(*contents: int | None) -> list[Bucket[RateCounts]]:
    return [
        Bucket(START + i * WIDTH, None if content is None else RateCounts(content, 100))
        for i, content in enumerate(contents)
    ]


@given(st.lists(st.none() | st.integers(0, 100), max_size=40), st.integers(1, 50))
def test_each_window_holds_the_newest_buckets_of_twice_the_length(contents: list[int | None], longest: int) -> None:
    windows = dyadic_windows(buckets(*contents), WIDTH, longest * WIDTH)
    assert len(windows) <= window_count(WIDTH, longest * WIDTH)
    reach = min(longest, len(contents))
    sizes = sorted({min(2**k, reach) for k in range(7)}) if reach else []
    assert [window.seconds for window in windows] == [60.0 * size for size in sizes]
    for window, size in zip(windows, sizes, strict=True):
        inside = [content for content in contents[-size:] if content is not None]
        events = window.content.events if window.content else None
        assert events == (sum(inside) if inside else None)


def test_no_window_looks_behind_a_release() -> None:
    released = START + 3 * WIDTH
    windows = dyadic_windows(buckets(100, 100, 100, 1, 2, 4), WIDTH, timedelta(hours=1), since=released)
    assert [window.content for window in windows] == [RateCounts(4, 100), RateCounts(6, 200), RateCounts(7, 300)]
    assert all(window.start >= released for window in windows)


def test_a_bucket_that_a_release_cuts_in_two_is_left_out() -> None:
    cut = START + WIDTH / 2
    (window,) = dyadic_windows(buckets(100, 1), WIDTH, timedelta(hours=1), since=cut)
    assert window.content == RateCounts(1, 100)


def test_gaps_between_buckets_are_refused() -> None:
    with pytest.raises(ValueError, match="follow one another"):
        dyadic_windows([buckets(1)[0], Bucket(START + 2 * WIDTH, None)], WIDTH, timedelta(hours=1))


def test_no_buckets_no_windows() -> None:
    assert dyadic_windows(buckets(), WIDTH, timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0.4 seconds"),
        (1, "1 second"),
        (10, "10 seconds"),
        (60, "1 minute"),
        (300, "5 minutes"),
        (80, "1 minute 20 seconds"),
        (160, "2 minutes 40 seconds"),
        (3630, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (86399.6, "1 day"),
        (86400, "1 day"),
        (172800, "2 days"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
