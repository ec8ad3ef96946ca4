"""Promote, roll back, accept: a request becomes a release, and a release moves on as engines and gateways follow."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from registry.ledger import Draft, Entry, EntryKind
from registry.progress import Event, State, transition
from registry.rules import Plan, plan_accept, plan_promote, plan_rollback, serving
from safelight.clock import Clock
from safelight.releasing.arriving import arrived, target_of
from safelight.store import access, canaries, engines, ledger, releases, targets, versions
from safelight.store.database import Session
from safelight.store.releases import MOVING, KnownRelease
from safelight.telemetry.meters import FLIP_SECONDS

# An engine or gateway that has not been heard of for this long is taken for dead.
ALIVE = timedelta(seconds=5)
# What a newer request takes over from; a release that serves is replaced only when the newer one flips.
_NOT_FLIPPED = (State.REQUESTED, State.PREPARING, State.VERIFYING)


class Releasing:
    """Every method runs in the caller's transaction; the ledger's entry is written in it, or nothing is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def promote(
        self,
        session: Session,
        *,
        generator: str,
        version: int,
        expected_serving: int | None,
        actor: str,
        reason: str,
    ) -> KnownRelease:
        """Have `version` loaded and checked; it serves once an engine is ready. Raises ReleaseRefused.

        A version that somebody else's service serves is entered into the ledger at once.
        """
        versions.require_generator(session, generator)
        chain = ledger.locked_chain(session, generator)
        plan = plan_promote(
            chain,
            version,
            registered=versions.numbers(session, generator),
            elsewhere=versions.external(session, generator),
            expected_serving=expected_serving,
        )
        return self._begin(session, generator, plan, actor, reason, None)

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
        """Go back to `to`, or to the last known good: at once where it is loaded. Raises ReleaseRefused."""
        versions.require_generator(session, generator)
        chain = ledger.locked_chain(session, generator)
        registered = versions.numbers(session, generator)
        # What is served elsewhere has nothing to load: it flips as what is loaded does.
        warm = engines.ready_versions(session, generator, self._alive_since()) | versions.external(session, generator)
        plan = plan_rollback(chain, to, registered=registered, warm=warm, expected_serving=expected_serving)
        return self._begin(session, generator, plan, actor, reason, incident_id)

    def accept(
        self, session: Session, *, generator: str, expected_serving: int | None, actor: str, reason: str
    ) -> Entry:
        """Call what serves good: from now on it is a target of rollbacks. Raises ReleaseRefused."""
        versions.require_generator(session, generator)
        plan = plan_accept(ledger.locked_chain(session, generator), expected_serving=expected_serving)
        entry = self._write(session, generator, plan, actor, reason, None)
        for release in releases.in_states(session, [State.SERVING], generator):
            if release.to_version == plan.to_version:
                self._move(session, release, Event.ACCEPT, f"accepted by {actor}")
        return entry

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
        chain = ledger.locked_chain(session, lead.generator, scope)
        been = any(entry.to_version == lead.to_version for entry in chain)
        kind = EntryKind.ROLLBACK if been and lead.kind is EntryKind.ROLLBACK else EntryKind.PROMOTE
        plan = Plan(kind, serving(chain), lead.to_version, (State.FLIPPING, State.SERVING))
        return self._begin(session, lead.generator, plan, lead.actor, lead.reason, lead.incident_id, scope)

    def _begin(
        self,
        session: Session,
        generator: str,
        plan: Plan,
        actor: str,
        reason: str,
        incident_id: UUID | None,
        scope: str = ledger.DEFAULT_SCOPE,
    ) -> KnownRelease:
        self._supersede(session, generator, scope, _NOT_FLIPPED, plan)
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
        if plan.path[0] is State.FLIPPING:
            external = versions.require_version(session, generator, plan.to_version).external
            if external or scope != ledger.DEFAULT_SCOPE:
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
            return self._move(session, release, Event.FAIL, failed.detail)
        if release.to_version not in engines.ready_versions(session, release.generator, self._alive_since()):
            return release
        if serving(ledger.locked_chain(session, release.generator)) != release.from_version:
            return self._move(session, release, Event.FAIL, "another version has come to serve meanwhile; ask again")
        if release.kind is EntryKind.PROMOTE:
            release = self._move(session, release, Event.VERIFY, "loaded and warm; its golden images were checked")
        return self._flip(session, release, "an engine is ready")

    def _flip(self, session: Session, release: KnownRelease, detail: str, event: Event = Event.FLIP) -> KnownRelease:
        plan = Plan(release.kind, release.from_version, release.to_version, ())
        self._supersede(session, release.generator, release.scope, (State.FLIPPING, State.SERVING), plan)
        entry = self._write(
            session, release.generator, plan, release.actor, release.reason, release.incident_id, release.scope
        )
        target = target_of(session, release)
        if target is not None:
            targets.order(session, target.id, release.id, self._clock.now())
        return self.move(session, release, event, detail, entry.seq)

    def _supersede(self, session: Session, generator: str, scope: str, states: Collection[State], plan: Plan) -> None:
        for other in releases.in_states(session, states, generator, scope):
            event = Event.ABORT if plan.kind is EntryKind.ROLLBACK and other.state in CANARIES else Event.SUPERSEDE
            self.move(session, other, event, f"by a {plan.kind} to version {plan.to_version}")

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

    def _move(
        self, session: Session, release: KnownRelease, event: Event, detail: str, ledger_seq: int | None = None
    ) -> KnownRelease:
        state = transition(release.kind, release.state, event)
        return releases.move(session, release, state, self._clock.now(), detail, ledger_seq)

    def _alive_since(self) -> datetime:
        return self._clock.now() - ALIVE
