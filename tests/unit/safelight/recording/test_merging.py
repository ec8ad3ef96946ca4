"""Which buckets of time are taken."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from safelight.errors import SafelightError
from safelight.recording.merging import OLDEST, check_bucket

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_bucket_of_now_and_the_oldest_are_taken() -> None:
    check_bucket(NOON, NOON, 60)
    check_bucket(NOON - OLDEST, NOON, 60)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (NOON + timedelta(minutes=2), "in the future"),
        (NOON - OLDEST - timedelta(minutes=1), "days back"),
        (NOON - timedelta(seconds=1), "not a multiple"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))), "in the future"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "days back"),
    ],
)
def test_any_other_is_refused_with_the_reason(start: datetime, why: str) -> None:
    with pytest.raises(SafelightError, match=why) as refusal:
        check_bucket(start, NOON, 60)
    assert refusal.value.code == "time_invalid"
