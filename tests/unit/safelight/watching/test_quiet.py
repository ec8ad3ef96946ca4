"""What is left of a range of time when the incidents are cut out."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from safelight.watching.quiet import quiet

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def incident(opened: float, resolved: float | None, window: float | None = None) -> Any:
    evidence = {} if window is None else {"window": {"start": at(window).isoformat()}}
    ended = None if resolved is None else at(resolved)
    return SimpleNamespace(opened_at=at(opened), resolved_at=ended, evidence=evidence)


@pytest.mark.parametrize(
    ("incidents", "left"),
    [
        ([], [(0, 60)]),
        ([incident(10, 20)], [(0, 10), (20, 60)]),
        ([incident(10, 20, window=4)], [(0, 4), (20, 60)]),
        ([incident(10, None)], [(0, 10)]),
        ([incident(-5, 5)], [(5, 60)]),
        ([incident(-5, 90)], []),
        ([incident(70, None, window=50)], [(0, 50)]),
        ([incident(30, 50), incident(10, 35), incident(31, 32)], [(0, 10), (50, 60)]),
        ([incident(10, 60)], [(0, 10)]),
        ([incident(0, 10)], [(10, 60)]),
    ],
)
def test_incidents_are_cut_out_with_the_windows_that_raised_them(
    incidents: list[Any], left: list[tuple[int, int]]
) -> None:
    assert quiet(at(0), at(60), incidents) == [(at(a), at(b)) for a, b in left]
