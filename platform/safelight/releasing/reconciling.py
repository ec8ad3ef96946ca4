"""Holds the version registry against the ledger: its alias follows what should serve, and an edit made there by
somebody else is noticed, recorded, and put back or adopted (see registry.reconciling)."""

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from registry.reconciling import OF_ALIAS, Change, Edit, Outcome, Recorded, Remedy, edits, ended, remedy
from registry.rules import ReleaseRefused, last_known_good
from registry.versions import Standing, VersionStore
from safelight.clock import Clock
from safelight.leadership import Leadership
from safelight.releasing.service import Releasing
from safelight.rounds import Turns
from safelight.store import access, chains, guard, ledger, reconciling, releases, scopes, versions
from safelight.store.database import Database, Session
from safelight.store.reconciling import Finding
from safelight.store.versions import KnownVersion

logger = logging.getLogger(__name__)

ACTOR = "mlflow"
"""Who stands for whoever edited the registry: it does not say who that was."""
_US = "safelight"


class Reconciler:
    """What is found is written down before anything is done about it, so a crash anywhere is mended by the next look.

    What the registry does not answer is no finding. While the stop switch is on, edits are noticed and left as they
    are; the alias follows what people release all the same.
    """

    def __init__(
        self, database: Database, store: VersionStore, releasing: Releasing, leadership: Leadership, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._releasing = releasing
        self._leadership = leadership
        self._clock = clock
        self._turns = Turns("registry edits", clock)
        self._read: dict[tuple[str, int], KnownVersion] = {}

    def run_once(self) -> int:
        """Look at every generator; returns how many edits still stand. Only the leader looks."""
        if not self._leadership.held():
            return 0
        with self._database.reading() as session:
            names = [generator.name for generator in versions.generators(session)]
        return self._turns.take(names, self._reconcile)

    def _reconcile(self, generator: str) -> int:
        # Versions are read before the registry is: one that is registered in between is no news to either.
        with self._database.reading() as session:
            known = self._versions(session, generator)
        standing = self._store.standing(generator)
        if standing.production not in known and standing.manifests.get(standing.production or 0) is not None:
            return 0  # it was registered there a moment ago: the next look knows it
        with self._database.transaction() as session:
            stopped = guard.stopped(session) is not None
            found = self._record(session, generator, known, standing, stopped=stopped)
            alias = self._wanted_alias(session, generator, standing, found)
            if stopped and any(finding.edit.change in OF_ALIAS for finding in found):
                alias = None
        for finding in found:
            if finding.edit.change is Change.MANIFEST_CHANGED and not stopped:
                self._store.restore_manifest(generator, finding.edit.version, known[finding.edit.version].manifest)
        if alias is not None:
            if alias != standing.production:
                self._store.set_production(generator, alias)
            with self._database.transaction() as session:
                reconciling.put_look(session, generator, self._clock.now(), alias)
        return len(found)

    def _versions(self, session: Session, generator: str) -> dict[int, KnownVersion]:
        """By number. All that ever changes of a version is whether it is gone: so each is read once."""
        gone = versions.gone_since(session, generator)
        for number in gone:
            if (generator, number) not in self._read:
                self._read[generator, number] = versions.require_version(session, generator, number)
        return {number: replace(self._read[generator, number], gone_at=since) for number, since in gone.items()}

    def _record(
        self,
        session: Session,
        generator: str,
        known: dict[int, KnownVersion],
        standing: Standing,
        *,
        stopped: bool,
    ) -> list[Finding]:
        """Notice what is new, settle what no longer stands; returns what stands."""
        now, look = self._clock.now(), reconciling.look(session, generator)
        entry = ledger.newest_release(session, generator)
        recorded = Recorded(
            serving=entry.to_version if entry else None,
            written=look.alias_version if look else None,
            manifests={number: version.manifest for number, version in known.items() if version.gone_at is None},
        )
        # An alias goes with its version, and does not come back with it.
        written = recorded.written if recorded.written in standing.manifests else None
        reconciling.put_look(session, generator, now, written)
        self._welcome_back(session, known, standing)
        seen, stood = edits(recorded, standing), reconciling.standing(session, generator)
        deleted = any(each.change is Change.VERSION_DELETED for each in (*seen, *(each.edit for each in stood)))
        needed = _needed(session, generator) if deleted else frozenset()
        left = []
        for finding in stood:
            outcome = ended(finding.edit, seen, standing, serving=recorded.serving, needed=needed)
            if outcome is None:
                left.append(finding if stopped else self._begin(session, finding))
            else:
                self._settle(session, finding, outcome, now)
        news = [each for each in seen if each not in {finding.edit for finding in left}]
        noticed = [self._notice(session, generator, each, needed, now) for each in news]
        return left + (noticed if stopped else [self._begin(session, finding) for finding in noticed])

    def _welcome_back(self, session: Session, known: dict[int, KnownVersion], standing: Standing) -> None:
        for version in known.values():
            if version.gone_at is not None and standing.manifests.get(version.number) == version.manifest:
                versions.set_gone(session, version.generator, version.number, None)

    def _settle(self, session: Session, finding: Finding, outcome: Outcome, now: datetime) -> None:
        reconciling.settle(session, finding.id, outcome, now)
        target = f"{finding.generator} {finding.edit.version}"
        access.record_audit(session, now, _US, f"registry.{outcome}", target, str(finding.edit))

    def _notice(self, session: Session, generator: str, edit: Edit, needed: Collection[int], now: datetime) -> Finding:
        logger.warning("in the registry of %s, %s by somebody else", generator, edit)
        chosen = remedy(edit, reconciling.policy(session, generator), needed)
        finding = reconciling.notice(session, generator, edit, chosen, str(edit), now)
        target = f"{generator} {edit.version}"
        access.record_audit(session, now, ACTOR, f"registry.{edit.change}", target, f"{edit}, outside Safelight")
        if edit.change is Change.VERSION_DELETED:
            versions.set_gone(session, generator, edit.version, now)
        return finding

    def _begin(self, session: Session, finding: Finding) -> Finding:
        """Ask for the release of what is to be adopted, unless that was done."""
        if finding.remedy is not Remedy.ADOPT or finding.edit.found is None or finding.release_id is not None:
            return finding
        return self._adopt(session, finding, finding.edit.found)

    def _adopt(self, session: Session, finding: Finding, version: int) -> Finding:
        """A release like any other: it is checked, and refused, as if it had been asked for here."""
        serving = ledger.newest_release(session, finding.generator)
        try:
            release = self._releasing.promote(
                session,
                generator=finding.generator,
                version=version,
                expected_serving=serving.to_version if serving else None,
                actor=ACTOR,
                reason=f"{finding.edit} in the registry",
            )
        except ReleaseRefused as refusal:
            return self._refuse(session, finding, refusal.message)
        return reconciling.adopt(session, finding.id, release.id)

    def _refuse(self, session: Session, finding: Finding, why: str) -> Finding:
        detail = f"{finding.edit}; it is put back, for it could not be released: {why}"
        return reconciling.change_remedy(session, finding.id, Remedy.PUT_BACK, detail)

    def _wanted_alias(
        self, session: Session, generator: str, standing: Standing, found: Collection[Finding]
    ) -> int | None:
        """Where the alias belongs now; None where there is nothing to be done about it."""
        for finding in found:
            if finding.remedy is Remedy.ADOPT and finding.release_id is not None:
                release = releases.require(session, finding.release_id)
                if release.moving:
                    return None  # it stands where it will belong
                self._refuse(session, finding, releases.steps(session, release.id)[-1].detail)
        entry = ledger.newest_release(session, generator)
        look = reconciling.look(session, generator)
        if entry is None or entry.to_version not in standing.manifests:
            return None
        written = look.alias_version if look else None
        return entry.to_version if {standing.production, written} != {entry.to_version} else None


def _needed(session: Session, generator: str) -> frozenset[int]:
    """The versions that serve in any scope, are about to, or are what one would go back to."""
    chain = chains.decisive(session, generator)
    moving = releases.in_states(session, (*releases.MOVING, *releases.CANARIES), generator)
    heads = (ledger.newest_release(session, generator, each.name) for each in scopes.all_of(session, generator))
    serving = [head.to_version for head in heads if head is not None]
    target = last_known_good(chain)
    return frozenset([*serving, *([] if target is None else [target]), *(each.to_version for each in moving)])
