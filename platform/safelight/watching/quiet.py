"""The stretches of time in which nothing was wrong. Pure."""

from collections.abc import Iterable
from datetime import datetime

from safelight.store.incidents import KnownIncident

Stretch = tuple[datetime, datetime]
"""From the first moment up to, and without, the second."""


def quiet(start: datetime, end: datetime, incidents: Iterable[KnownIncident]) -> list[Stretch]:
    """What is left of a range when every incident is cut out, with the window that raised it; the oldest first.

    An incident that is not resolved lasts to the end: what is served meanwhile may still be bad.
    """
    left: list[Stretch] = []
    at = start
    for began, ended in sorted((trouble_from(each), each.resolved_at or end) for each in incidents):
        if began > at:
            left.append((at, min(began, end)))
        at = max(at, ended)
    if at < end:
        left.append((at, end))
    return [(a, b) for a, b in left if a < b]


def trouble_from(incident: KnownIncident) -> datetime:
    """When the harm may have begun: with the window that the alarm rests on, where it is known."""
    start = incident.evidence.get("window", {}).get("start")
    return min(datetime.fromisoformat(start), incident.opened_at) if start else incident.opened_at
