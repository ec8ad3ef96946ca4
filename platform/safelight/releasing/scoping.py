"""Takes a release from scope to scope: a ledger entry for each, once those before it are seen to serve."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from registry.ledger import EntryKind
from registry.progress import State
from registry.scopes import Lead, Standing, to_follow
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.releasing.service import Releasing
from safelight.rounds import Turns
from safelight.store import access, guard, ledger, releases, scopes, targets, versions
from safelight.store.database import Database, Session
from safelight.store.releases import KnownRelease
from safelight.store.scopes import Scope

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LONGEST_BAKE = 30 * 86_400.0
_SERVES = (State.SERVING, State.ACCEPTED)


class ScopeFollower:
    """Any number may run: each release is begun in a transaction that holds the generator's ledgers."""

    def __init__(self, database: Database, releasing: Releasing, clock: Clock) -> None:
        self._database = database
        self._releasing = releasing
        self._clock = clock
        self._turns = Turns("scopes", clock)

    def run_once(self) -> int:
        """Look at every generator with more than one scope; returns how many releases were begun."""
        with self._database.reading() as session:
            generators = scopes.with_followers(session)
        return self._turns.take(generators, self._follow)

    def _follow(self, generator: str) -> int:
        with self._database.transaction() as session:
            ledger.lock(session, generator)
            lead = released(session, generator, ledger.DEFAULT_SCOPE)
            if lead is None or (lead.kind is EntryKind.PROMOTE and guard.stopped(session) is not None):
                return 0  # a way back waits for nobody, and for no switch
            first, *following = scopes.all_of(session, generator)
            chosen = to_follow(
                Lead(kind=lead.kind, version=lead.to_version, serving_since=serving_since(lead)),
                timedelta(seconds=first.bake_seconds),
                [_standing(session, generator, each) for each in following],
                self._clock.now(),
            )
            for scope in chosen:
                self._releasing.follow(session, lead, scope)
        return len(chosen)


def set_scopes(
    session: Session, generator: str, named: Sequence[tuple[str, float]], actor: str, now: datetime
) -> list[Scope]:
    """Name the scopes of a generator, in order, each with how many seconds a version has to bake in it.

    What a scope serves that is no longer named stays as it is; no release comes to it any more.
    Raises `generator_not_found`, `scopes_invalid`, or `scope_in_use` for one that has a target still.
    """
    versions.require_generator(session, generator)
    names = [name for name, _ in named]
    fit = all(_NAME.fullmatch(name) and 0 <= bake <= _LONGEST_BAKE for name, bake in named)
    if names[:1] != [ledger.DEFAULT_SCOPE] or len(set(names)) < len(names) or not fit:
        raise SafelightError(
            Kind.INVALID,
            "scopes_invalid",
            f"The scopes are named once each, {ledger.DEFAULT_SCOPE} first: that is where releases are asked for. "
            "A name has lower-case letters, digits, dots, dashes and underscores; a version bakes for 30 days at most.",
        )
    held = [each.scope for each in targets.all_of(session, generator) if each.scope not in names]
    if held:
        raise SafelightError(
            Kind.CONFLICT, "scope_in_use", f"The scope {held[0]} has a target. Remove that first, then the scope."
        )
    scopes.put(session, generator, [Scope(*each) for each in named])
    access.record_audit(session, now, actor, "scopes.set", generator, ", ".join(names))
    return scopes.all_of(session, generator)


def released(session: Session, generator: str, scope: str) -> KnownRelease | None:
    """The release that put in place what should serve in a scope."""
    entry = ledger.newest_release(session, generator, scope)
    return None if entry is None else releases.of_entry(session, generator, entry.seq, scope)


def serving_since(release: KnownRelease) -> datetime | None:
    """When it was seen to serve; None while it is not."""
    return release.finished_at if release.state in _SERVES else None


def _standing(session: Session, generator: str, scope: Scope) -> Standing:
    release = released(session, generator, scope.name)
    return Standing(
        scope=scope.name,
        desired=None if release is None else release.to_version,
        serving_since=None if release is None else serving_since(release),
        bake=timedelta(seconds=scope.bake_seconds),
    )
