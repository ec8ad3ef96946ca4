"""When a repair has worked: a pure rule over verdicts on fresh, disjoint windows."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from monitors.verdict import Health, Verdict


class Recovery(StrEnum):
    WAITING = "waiting"
    RECOVERED = "recovered"
    RELAPSED = "relapsed"


def recovery(fresh: Sequence[Verdict], needed: int) -> Recovery:
    """Judge verdicts on disjoint windows that all begin after the repair, oldest first.

    Any degraded window is a relapse. The `needed` newest windows must all be healthy to call it recovered; a window
    that could not be judged proves nothing and the wait goes on.
    """
    if needed < 1:
        raise ValueError("recovery needs at least one healthy window")
    if any(verdict.health is Health.DEGRADED for verdict in fresh):
        return Recovery.RELAPSED
    newest = fresh[-needed:]
    if len(newest) == needed and all(verdict.health is Health.HEALTHY for verdict in newest):
        return Recovery.RECOVERED
    return Recovery.WAITING
