"""Incidents of what is looked at again and again: one opens while its cause stands, and ends when it does no longer."""

from collections.abc import Callable, Mapping
from datetime import datetime

from safelight.responding.announcement import Links
from safelight.responding.causes import Cause, end_of_cause, open_of_cause
from safelight.store import incidents
from safelight.store.database import Session


def follow(
    session: Session, monitor: str, standing: Mapping[str, Callable[[], Cause]], over: str, links: Links, now: datetime
) -> int:
    """Bring the open incidents of a monitor into step with all that stands now; returns how many began or ended.

    A cause is told by its key, and made only where an incident opens. `over` is what is said of one that has ended.
    """
    known = {each.dedup_key: each for each in incidents.open_of_monitor(session, monitor)}
    begun = [cause for key, cause in standing.items() if key not in known]
    ended = [incident for key, incident in known.items() if key not in standing]
    for cause in begun:
        open_of_cause(session, cause(), links, now)
    for incident in ended:
        end_of_cause(session, incident, over, links, now)
    return len(begun) + len(ended)
