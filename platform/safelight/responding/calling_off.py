"""A canary that was called off because its version is worse: its own incident, and people are told of it once."""

from datetime import datetime

from monitors.verdict import Verdict
from safelight.responding.announcement import Links
from safelight.responding.causes import Cause, open_of_cause
from safelight.store.database import Session
from safelight.store.incidents import Severity
from safelight.store.releases import KnownRelease

MONITOR = "canary"


def tell(session: Session, release: KnownRelease, found_by: str, verdict: Verdict, links: Links, now: datetime) -> None:
    """Open the incident of a release that was called off. `found_by` is the monitor, or the judge, that found it worse.

    It suspects no version that serves, so that nothing is to be rolled back.
    """
    cause = Cause(
        generator=release.generator,
        key=f"{release.generator}:{release.scope}:canary-{release.id}",
        title=f"Version {release.to_version} of {release.generator}: its canary was called off",
        monitor=MONITOR,
        reason=verdict.reason.value,
        event="canary",
        severity=Severity.HIGH,  # nobody gets its images any more
        summary=f"{verdict.summary} All requests go to version {release.from_version} again.",
        data={"release_id": str(release.id), "found_by": found_by, "verdict": verdict.to_dict()},
    )
    open_of_cause(session, cause, links, now)
