"""The guard of canaries: the monitors of what serves are asked of what is tried beside it, too.

The judge compares two losses, step by step. This is for all that one need not compare for: requests that fail or take
too long, blank images, look-alikes, what people say, and what the lens of the version before expects.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from monitors.verdict import Health, Reason
from registry.progress import State
from safelight.clock import Clock, bucket_start
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.responding.calling_off import tell
from safelight.responding.causes import ACTOR
from safelight.responding.policy import VERSION_FAULTS
from safelight.rounds import Turns
from safelight.store import ledger, releases
from safelight.store.database import Database, Session
from safelight.store.releases import CANARIES, KnownRelease
from safelight.store.verdicts import NewVerdict
from safelight.watching.assess import Assessor
from safelight.watching.lease import Leadership

CALLS_OFF = VERSION_FAULTS | {Reason.ERROR_RATE_UP, Reason.LATENCY_UP, Reason.ERROR_BUDGET_BURN}
"""A canary is called off for what may be the machine's doing as well: nobody loses by it."""


class CanaryGuard:
    """Runs in every worker; the one that leads looks, once a tick. The stop switch does not hold it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        leadership: Leadership,
        assessor: Assessor,
        releasing: Releasing,
        links: Links,
        tick_seconds: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._leadership = leadership
        self._assessor = assessor
        self._releasing = releasing
        self._links = links
        self._tick_seconds = tick_seconds
        self._turns = Turns("guard of canaries", clock)

    def run_once(self) -> int:
        """Look at every canary that runs; returns how many were called off."""
        if not self._leadership.held():
            return 0
        slot = bucket_start(self._clock.now(), self._tick_seconds)
        with self._database.reading() as session:
            running = releases.in_states(session, CANARIES)
        return self._turns.take(running, partial(self._watch, slot), lambda release: f"release {release.id}")

    def _watch(self, slot: datetime, release: KnownRelease) -> bool:
        with self._database.reading() as session:
            found = self._found(session, release, slot)
        return found is not None and self._call_off(release, found)

    def _found(self, session: Session, release: KnownRelease, slot: datetime) -> NewVerdict | None:
        """The first critical monitor that finds its version degraded, and does not say the same of what serves."""
        began = next(step.at for step in releases.steps(session, release.id) if step.step == State.CANARY)
        tried = _degraded(self._assessor.of_canary(session, release, began, slot))
        serving = self._assessor.situation(session, release.generator)
        if not tried or serving is None:
            return None
        # What is wrong with both is wrong around them: that is the incident of what serves.
        beside = _degraded(self._assessor.assess(session, serving, slot))
        return next((found for said, found in tried.items() if said not in beside), None)

    def _call_off(self, release: KnownRelease, found: NewVerdict) -> bool:
        with self._database.transaction() as session:
            ledger.lock(session, release.generator)
            current = releases.require(session, release.id)
            if current.state not in CANARIES or not self._leadership.confirm(session):
                return False
            said = f"{found.monitor}: {found.verdict.summary}"
            after = self._releasing.abort(session, current, ACTOR, said)
            tell(session, after, found.monitor, found.verdict, self._links, self._clock.now())
            return True


def _degraded(answers: Sequence[NewVerdict]) -> dict[tuple[str, Reason], NewVerdict]:
    """What critical monitors found that a version may have brought about, by monitor and reason."""
    return {
        (each.monitor, each.verdict.reason): each
        for each in answers
        if each.critical and each.verdict.health is Health.DEGRADED and each.verdict.reason in CALLS_OFF
    }
