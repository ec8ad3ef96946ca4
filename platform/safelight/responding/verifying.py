"""After a rollback: what it put in place is looked at while it serves, and what is found is said.

A rollback goes to what is known to be good and waits for no analysis. Whether the version is still what it was is asked
afterwards, by probes that are held against what it made before.
"""

from datetime import datetime, timedelta
from functools import partial

from monitors.verdict import Health
from registry.ledger import EntryKind
from registry.progress import State
from safelight.clock import Clock
from safelight.leadership import Leadership
from safelight.responding.announcement import Links
from safelight.responding.braking import suggested
from safelight.responding.causes import ACTOR, Cause, open_of_cause
from safelight.responding.confirming import ALIVE, WITHIN, health, judged
from safelight.rounds import Turns
from safelight.store import engines, incidents, probe_sets, probes, releases, verifications, versions
from safelight.store.database import Database, Session
from safelight.store.probes import KnownRun, NewRun, Purpose
from safelight.store.releases import KnownRelease
from safelight.store.verifications import Verification, VerificationState

MONITOR = "verification"
REASON = "verification_failed"
PAIRS = 32
_LATELY = timedelta(hours=1)
_STATES = {Health.HEALTHY: VerificationState.PASSED, Health.DEGRADED: VerificationState.FAILED}


class Verifier:
    """Looks at every rollback that serves, once."""

    def __init__(self, database: Database, leadership: Leadership, links: Links, clock: Clock) -> None:
        self._database = database
        self._leadership = leadership
        self._links = links
        self._clock = clock
        self._turns = Turns("verification", clock)

    def run_once(self) -> int:
        """Begin what has to be looked at, and end what has been; returns how many."""
        if not self._leadership.held():
            return 0
        now = self._clock.now()
        with self._database.reading() as session:
            fresh = [each for each in releases.in_states(session, [State.SERVING]) if _is_fresh(each, now)]
            probed = verifications.probing(session)
        to_look_at: list[KnownRelease | Verification] = [*fresh, *probed]
        return self._turns.take(to_look_at, partial(self._look, now), _named)

    def _look(self, now: datetime, each: KnownRelease | Verification) -> bool:
        with self._database.transaction() as session:
            if isinstance(each, Verification):
                return self._end(session, each, now)
            if not _wants_it(session, each):
                return False
            self._begin(session, each, now)
            return True

    def _begin(self, session: Session, release: KnownRelease, now: datetime) -> None:
        run = _order(session, release, now)
        if run is not None:
            verifications.begin(session, release.id, run.id, now)
            return
        detail = (
            f"It could not be probed: nothing is stored of what version {release.to_version} made before, or no engine "
            "of ours holds it."
        )
        verifications.end(session, release.id, VerificationState.UNKNOWN, detail, now)
        _note(session, release, f"After the rollback: {detail}", now)

    def _end(self, session: Session, verification: Verification, now: datetime) -> bool:
        release = releases.require(session, verification.release_id)
        run = probes.get(session, verification.run_id) if verification.run_id is not None else None
        if run is not None and run.open:
            return False
        verdict = judged(run) if run is not None else None
        state = _STATES.get(health(run), VerificationState.UNKNOWN) if run is not None else VerificationState.UNKNOWN
        detail = verdict.summary if verdict else (run.detail if run else "") or "Its probes could not be judged."
        verifications.end(session, release.id, state, detail, now)
        _note(session, release, f"Verified after the rollback ({state}): {detail}", now)
        if state is VerificationState.FAILED and release.state is State.SERVING:
            open_of_cause(session, self._cause(session, release, detail, now), self._links, now)
        return True

    def _cause(self, session: Session, release: KnownRelease, detail: str, now: datetime) -> Cause:
        return Cause(
            generator=release.generator,
            key=f"{release.generator}:{release.scope}:verification-{release.ledger_seq}",
            title=f"Version {release.to_version} of {release.generator}: not what it was, after a rollback to it",
            monitor=MONITOR,
            reason=REASON,
            event="verification",
            summary=detail,
            data={"release_id": str(release.id)},
            suspect_version=release.to_version,
            suspect_release_id=release.id,
            suggested_target=suggested(session, release.generator, now),
        )


def _named(each: KnownRelease | Verification) -> str:
    if isinstance(each, Verification):
        return f"the probes of release {each.release_id}"
    return f"release {each.id}"


def _is_fresh(release: KnownRelease, now: datetime) -> bool:
    return release.kind is EntryKind.ROLLBACK and now - release.created_at < _LATELY


def _wants_it(session: Session, release: KnownRelease) -> bool:
    if verifications.find(session, release.id) is not None:
        return False
    return not versions.require_version(session, release.generator, release.to_version).external


def _order(session: Session, release: KnownRelease, now: datetime) -> KnownRun | None:
    """Probes of the version, where they can be made and there is something to hold them against."""
    stored = probes.baselines(session, release.generator, release.to_version)
    ready = engines.ready_versions(session, release.generator, now - ALIVE)
    if not stored or release.to_version not in ready:
        return None
    chosen = probe_sets.get(session, stored[0].set_id)
    new = NewRun(
        generator=release.generator,
        version=release.to_version,
        set_id=chosen.id,
        purpose=Purpose.REQUESTED,
        places=chosen.plain[:PAIRS],
        expires_at=now + WITHIN,
        ordered_by=ACTOR,
    )
    return probes.order(session, new, now)


def _note(session: Session, release: KnownRelease, message: str, now: datetime) -> None:
    """On the timelines of what the rollback repairs."""
    repaired = [
        each for each in incidents.open_incidents(session, release.generator) if each.repair_release_id == release.id
    ]
    known = {each.id for each in repaired} | ({release.incident_id} if release.incident_id else set())
    for incident_id in known:
        incidents.note(session, incident_id, "verification", ACTOR, message, now, release_id=str(release.id))
