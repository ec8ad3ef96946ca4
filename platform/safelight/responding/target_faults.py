"""Targets that do not serve what they should: one incident each, closed when they are seen to serve it again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from safelight.clock import Clock
from safelight.leadership import Leadership
from safelight.responding.announcement import Links
from safelight.responding.causes import Cause
from safelight.responding.following import follow
from safelight.store import releases, targets
from safelight.store.database import Database, Session
from safelight.store.releases import KnownRelease
from safelight.store.targets import KnownTarget

MONITOR = "targets"
_OVER = "The target was seen to serve what it should, or it should serve something else by now."
OVERDUE_AFTER = timedelta(minutes=10)
"""A model takes minutes to load, and so does a controller to exchange its pods: silence means nothing before."""


@dataclass(frozen=True)
class Fault:
    """A target and the release it should serve."""

    target: KnownTarget
    release: KnownRelease
    reason: str
    said: str

    @property
    def key(self) -> str:
        return f"{self.target.generator}:{self.target.scope}:target-{self.release.id}"


def fault_of(target: KnownTarget, release: KnownRelease, now: datetime) -> Fault | None:
    """What is wrong with a target; None while there is nothing, or it may still come right by itself."""
    version, since = release.to_version, release.created_at
    if target.confirmed(release.id, version):
        return None
    if target.observed_release_id == release.id and not release.moving:
        found = "something else" if target.observed_version is None else f"version {target.observed_version}"
        said = f"It served version {version} and now serves {found}: {target.observed_detail}"
        return Fault(target, release, "target_changed", said)
    if now - since < OVERDUE_AFTER:
        return None
    why = target.last_error or target.observed_detail or "it took the order and has confirmed nothing"
    said = f"It has not been seen to serve version {version} since {since:%Y-%m-%d %H:%M} UTC: {why}"
    return Fault(target, release, "target_overdue", said)


class TargetFaults:
    """Looks at what the targets were last seen to serve; it speaks to none."""

    def __init__(self, database: Database, leadership: Leadership, links: Links, clock: Clock) -> None:
        self._database = database
        self._leadership = leadership
        self._links = links
        self._clock = clock

    def run_once(self) -> int:
        """Returns how many incidents were opened or closed."""
        if not self._leadership.held():
            return 0
        now = self._clock.now()
        with self._database.transaction() as session:
            standing = {fault.key: partial(_cause, fault) for fault in self._faults(session, now)}
            return follow(session, MONITOR, standing, _OVER, self._links, now)

    def _faults(self, session: Session, now: datetime) -> Iterable[Fault]:
        for target in targets.all_of(session):
            if target.release_id is None:
                continue
            release = releases.require(session, target.release_id)
            fault = fault_of(target, release, now)
            if fault is not None:
                yield fault


def _cause(fault: Fault) -> Cause:
    target, release = fault.target, fault.release
    return Cause(
        generator=target.generator,
        scope=target.scope,
        key=fault.key,
        title=f"The target of {target.generator} in the scope {target.scope} does not serve version "
        f"{release.to_version}",
        monitor=MONITOR,
        reason=fault.reason,
        event="target",
        summary=f"{fault.said}.",
        data={"target": str(target.id), "release_id": str(release.id)},
        evidence=lambda: {"scope": target.scope, "url": target.url, "attempts": target.attempts},
    )
