"""Drills: every night the version that production would be taken back to is loaded afresh, to see that it can be.

An engine host carries them out (`safelight.serving.drilling`); here they are ordered, and what they found is answered.
"""

from datetime import datetime, timedelta
from functools import partial

from registry.rules import last_known_good
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.leadership import Leadership
from safelight.responding.announcement import Links
from safelight.responding.causes import ACTOR, Cause, end_of_cause, open_of_cause
from safelight.rounds import Turns
from safelight.store import access, chains, drills, incidents, ledger, versions
from safelight.store.database import Database, Session
from safelight.store.drills import DrillReason, DrillState, KnownDrill
from safelight.store.incidents import KnownIncident

MONITOR = "drill"
REASON = "drill_failed"
WITHIN = timedelta(hours=4)
"""A drill waits for room, and for whatever else its host has to do; after that it was not run, which is no fault."""


def night_of(now: datetime, hour: int) -> datetime:
    """The last time before `now` (UTC) that it was `hour` o'clock: each night has one."""
    tonight = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def ask(session: Session, generator: str, version: int | None, actor: str, now: datetime) -> KnownDrill:
    """Order a drill of a version, or of the one to go back to. One that is under way is returned as it stands.

    Raises `generator_not_found`, `version_not_found`, `nothing_to_drill`, `served_elsewhere`.
    """
    versions.require_generator(session, generator)
    target = last_known_good(chains.decisive(session, generator)) if version is None else version
    if target is None:
        raise SafelightError(
            Kind.CONFLICT,
            "nothing_to_drill",
            f"No earlier version of {generator} is known to be good. Accept one, or name the version to drill.",
        )
    if versions.require_version(session, generator, target).external:
        raise SafelightError(
            Kind.CONFLICT,
            "served_elsewhere",
            f"Version {target} of {generator} is served by somebody else's service: there is nothing to load here.",
        )
    for standing in drills.in_hand(session, generator):
        if standing.version == target:
            return standing
    access.record_audit(session, now, actor, "drill.order", f"{generator} {target}")
    return drills.order(session, generator, target, actor, now, now + WITHIN)


class DrillWatch:
    """Orders the nightly drills, gives up on those that take too long, and opens an incident for one that failed."""

    def __init__(self, database: Database, leadership: Leadership, links: Links, clock: Clock, hour: int) -> None:
        """`hour` is when the night's drills begin, in UTC."""
        self._database = database
        self._leadership = leadership
        self._links = links
        self._clock = clock
        self._hour = hour
        self._turns = Turns("drills", clock)

    def run_once(self) -> int:
        """Look at every generator; returns how many drills were ordered or given up, and incidents opened or closed."""
        if not self._leadership.held():
            return 0
        now = self._clock.now()
        with self._database.reading() as session:
            names = [each.name for each in versions.generators(session)]
        return self._turns.take(names, partial(self._look, now))

    def _look(self, now: datetime, generator: str) -> int:
        with self._database.transaction() as session:
            done = self._order(session, generator, now) + self._give_up(session, generator, now)
            return done + self._answer(session, generator, now)

    def _order(self, session: Session, generator: str, now: datetime) -> int:
        night = night_of(now, self._hour)
        target = last_known_good(chains.decisive(session, generator))
        # A night that is over before anybody looked is not made up for in the working day.
        if target is None or now - night >= WITHIN or drills.of_night(session, generator, night):
            return 0
        if versions.require_version(session, generator, target).external:
            return 0
        drills.order(session, generator, target, ACTOR, now, night + WITHIN, night)
        return 1

    def _give_up(self, session: Session, generator: str, now: datetime) -> int:
        late = [each for each in drills.in_hand(session, generator) if now >= each.expires_at]
        for each in late:
            detail = each.detail or "no engine host took it up"
            reason = each.reason or DrillReason.INTERRUPTED
            drills.end(session, each.id, DrillState.NOT_RUN, now, reason=reason, detail=detail)
        return len(late)

    def _answer(self, session: Session, generator: str, now: datetime) -> int:
        failed = {
            drill_key(each): each
            for each in drills.newest(session, generator).values()
            if each.state is DrillState.FAILED
        }
        known = [each for each in incidents.open_of_monitor(session, MONITOR) if each.generator == generator]
        over = [each for each in known if each.dedup_key not in failed]
        for incident in over:
            self._close(session, incident, now)
        unseen = [each for each in failed.values() if not _seen(session, each)]
        opened = [open_of_cause(session, _cause(each), self._links, now) for each in unseen]
        return len(over) + sum(each is not None for each in opened)

    def _close(self, session: Session, incident: KnownIncident, now: datetime) -> None:
        summary = "A drill has passed: the version loads and draws its golden images."
        end_of_cause(session, incident, summary, self._links, now)


def _seen(session: Session, drill: KnownDrill) -> bool:
    """Whether somebody has closed the incident of a failed drill since; the next one that fails says so again."""
    last = incidents.newest_of_cause(session, drill.generator, drill_key(drill))
    closed = last.resolved_at if last else None
    return closed is not None and drill.finished_at is not None and closed >= drill.finished_at


def drill_key(drill: KnownDrill) -> str:
    """The cause's: one incident for a version that cannot be gone back to."""
    return f"{drill.generator}:{ledger.DEFAULT_SCOPE}:drill-{drill.version}"


def _cause(drill: KnownDrill) -> Cause:
    return Cause(
        generator=drill.generator,
        key=drill_key(drill),
        title=f"Version {drill.version} of {drill.generator}: cannot be gone back to",
        monitor=MONITOR,
        reason=REASON,
        event="drill",
        summary=(
            f"The drill on {drill.host} failed: {drill.detail}. What serves is as it was. The guard does not "
            f"go back to version {drill.version} until a drill of it passes."
        ),
        data={"drill_id": str(drill.id)},
        evidence=lambda: {"version": drill.version, "host": drill.host, "drill": str(drill.id), "detail": drill.detail},
    )
