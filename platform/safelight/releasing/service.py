"""Promote, roll back, accept: a request becomes a release, and a release moves on as engines and gateways follow."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from registry.canary import CanaryPlan, check_canary, is_way_back
from registry.gates.result import Decision, GateResult, refusal
from registry.ledger import Draft, Entry, EntryKind, StaleServing
from registry.progress import Event, State, transition
from registry.rules import Plan, plan_accept, plan_promote, plan_rollback, serving
from safelight.clock import Clock
from safelight.releasing.arriving import arrived, inform
from safelight.releasing.gating import Gating
from safelight.store import access, canaries, chains, engines, gates, ledger, probes, releases, versions
from safelight.store.database import Session
from safelight.store.releases import CANARIES, MOVING, KnownRelease
from safelight.telemetry.meters import FLIP_SECONDS

# An engine or gateway that has not been heard of for this long is taken for dead.
ALIVE = timedelta(seconds=5)
# What a newer request takes over from; a release that serves is replaced only when the newer one flips.
_NOT_FLIPPED = (State.REQUESTED, State.PREPARING, State.VERIFYING, *CANARIES)


class Releasing:
    """Every method runs in the caller's transaction; the ledger's entry is written in it, or nothing is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gating = Gating(clock, ALIVE)

    def check(self, session: Session, *, generator: str, version: int, promoter: str) -> tuple[GateResult, ...]:
        """What the gates would say of a promote now; nothing is changed. Raises `version_not_found`."""
        return self._gating.check(session, generator, version, promoter)

    def promote(
        self,
        session: Session,
        *,
        generator: str,
        version: int,
        expected_serving: int | None,
        actor: str,
        reason: str,
        canary: CanaryPlan | None = None,
        override: str | None = None,
    ) -> KnownRelease:
        """Have `version` loaded and checked; it serves once its gates have passed. Raises ReleaseRefused.

        A version that somebody else's service serves is entered into the ledger at once. With a `canary` it takes the
        traffic step by step first. Raises CanaryRefused where that cannot be. `override` is why `actor` answers for a
        version that does not pass its gates; whether they may is for the caller to know.
        """
        versions.require_generator(session, generator)
        ledger.lock(session, generator)
        chain = chains.decisive(session, generator)
        elsewhere = versions.external(session, generator)
        plan = plan_promote(
            chain,
            version,
            registered=versions.numbers(session, generator),
            elsewhere=elsewhere,
            expected_serving=expected_serving,
        )
        if canary is not None:
            check_canary(plan.from_version, version, elsewhere)
        release = self._add(session, generator, plan, actor, reason, None)
        if canary is not None:
            canaries.add(session, release.id, canary)
        if override is not None:
            now = self._clock.now()
            gates.add_override(session, release.id, actor, override, now)
            access.record_audit(session, now, actor, "release.override", f"{generator} {version}", override)
        decision, results = self._gating.ask(session, release)
        if decision is Decision.REFUSE:  # before anything is loaded, and before another release gives way to it
            return self.move(session, release, Event.FAIL, refusal(results))
        return self._begin(session, release, plan)

    def rollback(
        self,
        session: Session,
        *,
        generator: str,
        to: int | None,
        expected_serving: int | None,
        actor: str,
        reason: str,
        incident_id: UUID | None = None,
    ) -> KnownRelease:
        """Go back to `to`, or to the last known good: at once where it is loaded. Raises ReleaseRefused.

        A canary that runs is called off; where what serves is what is to be gone back to, that is all there is to do.
        """
        versions.require_generator(session, generator)
        ledger.lock(session, generator)
        chain = chains.decisive(session, generator)
        running = releases.in_states(session, CANARIES, generator)
        if running and is_way_back(chain, to):
            if expected_serving not in (None, serving(chain)):
                raise StaleServing(expected_serving, serving(chain))
            return self.abort(session, running[-1], actor, reason)
        registered = versions.numbers(session, generator)
        # What is served elsewhere has nothing to load: it flips as what is loaded does.
        warm = engines.ready_versions(session, generator, self._alive_since()) | versions.external(session, generator)
        plan = plan_rollback(chain, to, registered=registered, warm=warm, expected_serving=expected_serving)
        return self._begin(session, self._add(session, generator, plan, actor, reason, incident_id), plan)

    def accept(
        self, session: Session, *, generator: str, expected_serving: int | None, actor: str, reason: str
    ) -> Entry:
        """Call what serves good: from now on it is a target of rollbacks. Raises ReleaseRefused."""
        versions.require_generator(session, generator)
        ledger.lock(session, generator)
        plan = plan_accept(chains.decisive(session, generator), expected_serving=expected_serving)
        entry = self._write(session, generator, plan, actor, reason, None)
        for release in releases.in_states(session, [State.SERVING], generator, ledger.DEFAULT_SCOPE):
            if release.to_version == plan.to_version:
                self.move(session, release, Event.ACCEPT, f"accepted by {actor}")
        return entry

    def abort(self, session: Session, release: KnownRelease, actor: str, reason: str) -> KnownRelease:
        """Call off a release that has not flipped: what served goes on, alone. Raises IllegalTransition."""
        ended = self.move(session, release, Event.ABORT, reason or f"called off by {actor}")
        change = f"{release.generator} {release.from_version} -> {release.to_version}"
        access.record_audit(session, self._clock.now(), actor, "release.abort", change, reason)
        return ended

    def advance(self, session: Session, generator: str) -> bool:
        """Take every moving release of a generator as far as engines and gateways allow; whether any moved."""
        # Somebody may be replacing it right now: whoever waits for that sees what became of it.
        ledger.lock(session, generator)
        moved = False
        for release in releases.in_states(session, MOVING, generator):
            moved = self._advance(session, release) or moved
        return moved

    def follow(self, session: Session, lead: KnownRelease, scope: str) -> KnownRelease:
        """Have another scope serve what a release put into the first one."""
        ledger.lock(session, lead.generator)
        chain = chains.decisive(session, lead.generator, scope)
        been = any(entry.to_version == lead.to_version for entry in chain)
        kind = EntryKind.ROLLBACK if been and lead.kind is EntryKind.ROLLBACK else EntryKind.PROMOTE
        plan = Plan(kind, serving(chain), lead.to_version, (State.FLIPPING, State.SERVING))
        release = self._add(session, lead.generator, plan, lead.actor, lead.reason, lead.incident_id, scope)
        return self._begin(session, release, plan)

    def _add(
        self,
        session: Session,
        generator: str,
        plan: Plan,
        actor: str,
        reason: str,
        incident_id: UUID | None,
        scope: str = ledger.DEFAULT_SCOPE,
    ) -> KnownRelease:
        release = releases.add(
            session,
            generator=generator,
            scope=scope,
            kind=plan.kind,
            from_version=plan.from_version,
            to_version=plan.to_version,
            actor=actor,
            reason=reason,
            incident_id=incident_id,
            now=self._clock.now(),
        )
        access.record_audit(
            session,
            release.created_at,
            actor,
            f"release.{plan.kind}",
            f"{generator} {plan.from_version} -> {plan.to_version}",
            reason,
        )
        return release

    def _begin(self, session: Session, release: KnownRelease, plan: Plan) -> KnownRelease:
        self._supersede(session, release, _NOT_FLIPPED)
        if plan.path[0] is State.FLIPPING:
            external = versions.require_version(session, release.generator, plan.to_version).external
            if external or release.scope != ledger.DEFAULT_SCOPE:
                return self.flip(session, release, "somebody else's service serves it", Event.DECLARE)
            return self.flip(session, release, "the target is loaded")
        return self.move(session, release, Event.PREPARE, "waiting for an engine to load the version")

    def _advance(self, session: Session, release: KnownRelease) -> bool:
        before = release.state
        if release.state in (State.PREPARING, State.VERIFYING):
            release = self._follow_engine(session, release)
        if release.state is State.FLIPPING and release.ledger_seq is not None:
            known_by = arrived(session, release, release.ledger_seq, self._alive_since())
            if known_by is not None:
                flipped = next(step.at for step in releases.steps(session, release.id) if step.step == State.FLIPPING)
                release = self.move(session, release, Event.ARRIVE, known_by)
                FLIP_SECONDS.labels(release.kind.value).observe((self._clock.now() - flipped).total_seconds())
        return release.state is not before

    def _follow_engine(self, session: Session, release: KnownRelease) -> KnownRelease:
        failed = engines.last_failed(session, release.generator, release.to_version, release.created_at)
        if failed is not None:
            if release.kind is EntryKind.PROMOTE:
                self._gating.ask(session, release)
            return self.move(session, release, Event.FAIL, failed.detail)
        if release.to_version not in engines.ready_versions(session, release.generator, self._alive_since()):
            return release
        entry = ledger.newest_release(session, release.generator)
        if (entry.to_version if entry else None) != release.from_version:
            return self.move(session, release, Event.FAIL, "another version has come to serve meanwhile; ask again")
        if release.kind is EntryKind.ROLLBACK:
            return self.flip(session, release, "an engine is ready")
        if release.state is State.PREPARING:
            release = self.move(session, release, Event.VERIFY, "loaded and warm; its golden images were checked")
        decision, results = self._gating.ask(session, release)
        match decision:
            case Decision.WAIT:
                return release
            case Decision.REFUSE:
                return self.move(session, release, Event.FAIL, refusal(results))
            case Decision.PASS:
                return self._let_through(session, release)

    def _let_through(self, session: Session, release: KnownRelease) -> KnownRelease:
        """Its gates have passed: a part of the traffic goes to it, or all."""
        canary = canaries.find(session, release.id)
        if canary is not None:
            now = self._clock.now()
            canaries.put(session, replace(canary, step_at=now, judged_until=now))
            return self.move(session, release, Event.BEGIN, f"step 1: {canary.at}")
        return self.flip(session, release, "an engine is ready")

    def flip(self, session: Session, release: KnownRelease, detail: str, event: Event = Event.FLIP) -> KnownRelease:
        """Write the entry by which all requests go to it from now on. Raises StaleServing, IllegalTransition."""
        plan = Plan(release.kind, release.from_version, release.to_version, ())
        self._supersede(session, release, (State.FLIPPING, State.SERVING))
        reason = release.reason + self._overridden(session, release)
        entry = self._write(session, release.generator, plan, release.actor, reason, release.incident_id, release.scope)
        inform(session, release, self._clock.now())
        return self.move(session, release, event, detail, entry.seq)

    def _overridden(self, session: Session, release: KnownRelease) -> str:
        """What the ledger says of a promote by override: the gates that it did not pass, and why it went on."""
        override = gates.override(session, release.id)
        passed_over = [each.gate for each in gates.results(session, release.id) if each.overridden]
        if override is None or not passed_over:
            return ""
        return f" [override of {', '.join(passed_over)}: {override.reason}]"

    def _supersede(self, session: Session, release: KnownRelease, states: Collection[State]) -> None:
        """Others that are in these states where it goes give way to it."""
        for other in releases.in_states(session, states, release.generator, release.scope):
            if other.id == release.id:
                continue
            event = Event.ABORT if release.kind is EntryKind.ROLLBACK and other.state in CANARIES else Event.SUPERSEDE
            self.move(session, other, event, f"by a {release.kind} to version {release.to_version}")

    def _write(
        self,
        session: Session,
        generator: str,
        plan: Plan,
        actor: str,
        reason: str,
        incident_id: UUID | None,
        scope: str = ledger.DEFAULT_SCOPE,
    ) -> Entry:
        target = versions.require_version(session, generator, plan.to_version)
        draft = Draft(
            generator=generator,
            scope=scope,
            kind=plan.kind,
            from_version=plan.from_version,
            to_version=plan.to_version,
            to_digest=target.digest,
            actor=actor,
            reason=reason,
            incident_id=str(incident_id) if incident_id else None,
        )
        return ledger.add(session, draft, self._clock.now())

    def move(
        self, session: Session, release: KnownRelease, event: Event, detail: str, ledger_seq: int | None = None
    ) -> KnownRelease:
        """Take a release through an event of its own. Raises IllegalTransition."""
        state = transition(release.kind, release.state, event)
        over = event in (Event.FAIL, Event.ABORT, Event.SUPERSEDE) and release.ledger_seq is None
        if over and release.kind is EntryKind.PROMOTE:
            why = f"the release it was made for is {state}"
            probes.cancel_paired(session, release.generator, release.to_version, why, self._clock.now())
        return releases.move(session, release, state, self._clock.now(), detail, ledger_seq)

    def _alive_since(self) -> datetime:
        return self._clock.now() - ALIVE
