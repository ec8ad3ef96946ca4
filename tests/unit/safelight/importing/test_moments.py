from datetime import UTC, date, datetime, timedelta

import pytest

from safelight.errors import SafelightError
from safelight.importing import moments

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [NOON, "2026-11-23T12:00:00Z", "2026-11-23 13:00:00+01:00", NOON.timestamp(), str(int(NOON.timestamp() * 1000))],
)
def test_times_are_read_as_tables_write_them(told: object) -> None:
    assert moments.reader(None)(told) == NOON


def test_a_time_without_a_zone_is_in_the_one_that_was_named() -> None:
    read = moments.reader(moments.zone("Europe/Berlin"))
    assert read("2026-11-23T13:00:00") == read(datetime(2026, 11, 23, 13)) == NOON  # noqa: DTZ001 - as Parquet has it


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("2026-11-23T12:00:00", "--timezone"),
        ("yesterday", "neither ISO 8601"),
        (None, "not a time"),
        (True, "not a time"),
        (date(2026, 11, 23), "not a time"),
        (1e40, "no time that a calendar has"),
    ],
)
def test_what_is_no_time_is_refused_with_a_reason(told: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        moments.reader(None)(told)


@pytest.mark.parametrize("told", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_no_calendar_has_in_utc_is_refused_too(told: str) -> None:
    with pytest.raises(ValueError, match="no time that a calendar has"):
        moments.reader(moments.zone("Asia/Tokyo"))(told)


def test_rows_are_spread_evenly_and_end_before_the_end() -> None:
    even = moments.spread(NOON, NOON + timedelta(hours=4), 4)
    assert [even.at(i) for i in range(4)] == [NOON + timedelta(hours=i) for i in range(4)]


def test_a_spread_backwards_and_an_unknown_zone_are_refused() -> None:
    with pytest.raises(SafelightError, match="ends before it begins"):
        moments.spread(NOON, NOON, 4)
    with pytest.raises(SafelightError, match="no time zone"):
        moments.zone("Mars/Olympus")
