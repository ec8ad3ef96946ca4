"""What should serve in each scope of a generator, and what does as far as anybody has seen."""

from dataclasses import dataclass
from datetime import datetime

from safelight.releasing.arriving import target_of
from safelight.releasing.scoping import released, serving_since
from safelight.store import ledger, scopes, targets
from safelight.store.database import Session
from safelight.store.releases import KnownRelease
from safelight.store.scopes import Scope
from safelight.store.targets import KnownTarget


@dataclass(frozen=True)
class ScopeState:
    """`observed_version` is None where nobody has seen anything, or what is seen is no version known here."""

    scope: Scope
    release: KnownRelease | None
    desired_version: int | None
    observed_version: int | None
    observed_at: datetime | None
    detail: str
    target: KnownTarget | None


def scope_states(session: Session, generator: str) -> list[ScopeState]:
    """In the order in which a release goes through them."""
    return [_state(session, generator, scope) for scope in scopes.all_of(session, generator)]


def _state(session: Session, generator: str, scope: Scope) -> ScopeState:
    entry = ledger.newest_release(session, generator, scope.name)
    desired = entry.to_version if entry else None
    release = released(session, generator, scope.name)
    target = targets.find(session, generator, scope.name)
    if release is not None and target is not None and target_of(session, release) is not None:
        detail = target.last_error or target.observed_detail
        return ScopeState(scope, release, desired, target.observed_version, target.observed_at, detail, target)
    # Our engines and gateways say themselves how far they are; of what nobody can ask, the ledger is believed.
    at = serving_since(release) if release is not None else None
    return ScopeState(scope, release, desired, desired if at is not None else None, at, "", target)
