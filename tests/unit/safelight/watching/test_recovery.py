"""How the time after a repair is cut into windows that can be judged."""

from datetime import UTC, datetime, timedelta

import pytest

from monitors.verdict import Health, Reason, Verdict
from safelight.watching.questions import Span
from safelight.watching.recovery import fresh_windows

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("per_minute", "expected"),
    [
        ([100, 100, 100], [(0, 1), (1, 2), (2, 3)]),
        ([50, 50, 50, 50, 50], [(0, 2), (2, 4)]),
        ([0, 0, 100, 99, 0], [(0, 3)]),
        ([], []),
    ],
)
def test_windows_are_disjoint_and_just_long_enough(per_minute: list[int], expected: list[tuple[int, int]]) -> None:
    judged: list[tuple[int, int]] = []

    def judge(window: Span) -> Verdict:
        first, last = (int((moment - NOON) / MINUTE) for moment in (window.start, window.end))
        if sum(per_minute[first:last]) < 100:
            return Verdict(Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, "")
        judged.append((first, last))
        return Verdict(Health.HEALTHY, Reason.WITHIN_BUDGET, "")

    span = Span(NOON, NOON + len(per_minute) * MINUTE, MINUTE)
    assert len(list(fresh_windows(span, judge))) == len(expected)
    assert judged == expected
