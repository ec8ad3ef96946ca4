"""The stretch of time that an answer may rest on."""

from datetime import UTC, datetime, timedelta

import pytest

from safelight.settings import WatchingSettings
from safelight.watching.assess import Assessor
from safelight.watching.lenses import LensCache
from safelight.watching.monitors import BlankRate
from safelight.watching.observing import Observer

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bucket", "longest", "since", "minutes"),
    [
        (60, 600, -60, 10),
        (60, 600, -7, 7),
        (60, 600, -6.5, 6),
        (300, 600, -60, 10),
        (300, 60, -60, 5),  # a bucket is the least there is to look at
        (60, 600, 0, 0),
    ],
)
def test_a_span_is_whole_buckets_since_the_last_change(bucket: int, longest: int, since: float, minutes: int) -> None:
    settings = WatchingSettings(bucket_seconds=bucket)
    assessor = Assessor(settings, Observer(LensCache(), "", timedelta(0)), "")
    span = assessor.span(NOON + timedelta(minutes=since), NOON, BlankRate(longest_seconds=longest))
    assert (span.end, span.end - span.start) == (NOON, timedelta(minutes=minutes))
