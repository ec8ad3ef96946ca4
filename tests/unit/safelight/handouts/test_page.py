from datetime import UTC, datetime, timedelta, timezone

import pytest

from safelight.handouts.page import chance, number, percent, picture, when


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0, "0"), (1234567, "1,234,567"), (2.0, "2"), (0.123456, "0.123"), (0.0, "0"), (-1.5, "-1.5")],
)
def test_figures_are_said_as_people_read_them(value: float | None, said: str) -> None:
    assert number(value) == said


def test_shares_and_chances() -> None:
    assert [percent(x) for x in (None, 0, 0.0004, 0.25)] == ["-", "0.0%", "0.04%", "25.0%"]
    assert [chance(x) for x in (None, 0.0, 1e-7, 0.04)] == ["-", "below 1e-300", "1.0e-07", "0.040"]


def test_times_are_in_utc() -> None:
    assert when(datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-22 23:00 UTC"
    assert when(datetime(2026, 11, 23, 1, tzinfo=UTC)).endswith("01:00 UTC")


def test_a_picture_carries_its_bytes() -> None:
    assert picture(b"RIFF") == "data:image/webp;base64,UklGRg=="
