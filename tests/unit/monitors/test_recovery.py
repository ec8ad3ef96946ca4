from __future__ import annotations

import pytest

from monitors.recovery import Recovery, recovery
from monitors.verdict import Health, Reason, Verdict

H, D, Q, E = (
    Verdict(health, Reason.WITHIN_BUDGET, "")
    for health in (Health.HEALTHY, Health.DEGRADED, Health.INCONCLUSIVE, Health.ERROR)
)


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [
        ([], Recovery.WAITING),
        ([H], Recovery.WAITING),
        ([H, H], Recovery.RECOVERED),
        ([Q, E, H, H], Recovery.RECOVERED),
        ([H, H, Q], Recovery.WAITING),
        ([H, E, H], Recovery.WAITING),
        ([Q, Q, Q], Recovery.WAITING),
        ([H, H, D], Recovery.RELAPSED),
        ([D, H, H], Recovery.RELAPSED),
    ],
)
def test_only_healthy_windows_in_a_row_confirm_a_repair(fresh: list[Verdict], expected: Recovery) -> None:
    assert recovery(fresh, needed=2) is expected


def test_no_window_at_all_confirms_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        recovery([H], needed=0)
