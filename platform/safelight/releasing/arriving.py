"""How it is known that a release which flipped serves: by what is observed, not by what was asked for."""

from datetime import datetime

from safelight.store import ledger, releases, targets, versions
from safelight.store.database import Session
from safelight.store.releases import KnownRelease
from safelight.store.targets import KnownTarget


def target_of(session: Session, release: KnownRelease) -> KnownTarget | None:
    """Whose service a release acts on; None where it is our engines, or a service that nobody can ask."""
    held = not versions.require_version(session, release.generator, release.to_version).external
    if held and release.scope == ledger.DEFAULT_SCOPE:
        return None
    return targets.find(session, release.generator, release.scope)


def inform(session: Session, release: KnownRelease, now: datetime) -> None:
    """Have the target of a release's scope told of it; one whose service is no longer what serves is left in peace."""
    target = targets.find(session, release.generator, release.scope)
    if target is not None:
        asked = target_of(session, release) is not None
        targets.order(session, target.id, release.id if asked else None, now)


def arrived(session: Session, release: KnownRelease, ledger_seq: int, alive_since: datetime) -> str | None:
    """By what it is known that the release serves; None while it is not."""
    target = target_of(session, release)
    if target is not None:
        if not target.confirmed(release.id, release.to_version):
            return None
        return f"its target was seen to serve it: {target.observed_detail}"
    if release.scope != ledger.DEFAULT_SCOPE:
        return "declared: the scope has no target that could be asked"
    behind = releases.gateways_behind(session, release.generator, ledger_seq, alive_since)
    return "every gateway routes to it" if behind == 0 else None
