"""Making a target, telling it again, and saying beforehand what it would be told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from registry.ledger import EntryKind
from registry.progress import State
from safelight.errors import Kind, SafelightError
from safelight.notifying.addresses import Reach
from safelight.notifying.making import OVERLAP
from safelight.releasing.targets.kinds import KINDS
from safelight.releasing.targets.target import Backend, Desired, Planned, Unheard
from safelight.store import access, ledger, releases, scopes, targets, versions
from safelight.store.database import Database, Session
from safelight.store.releases import KnownRelease
from safelight.store.targets import KnownTarget, TargetKind

_DRY_RUN = UUID(int=0)


@dataclass(frozen=True)
class NewTarget:
    """A target, and the secret its receiver verifies signatures with, where one was just made."""

    target: KnownTarget
    secret: str | None = field(repr=False)


def create(
    session: Session,
    *,
    generator: str,
    scope: str,
    kind: TargetKind,
    url: str,
    secret: str,
    resource: dict[str, str],
    reach: Reach,
    actor: str,
    now: datetime,
) -> NewTarget:
    """What should serve in its scope is told to it at once.

    Raises `generator_not_found`, `scope_not_found`, `target_exists` or `target_invalid`.
    """
    versions.require_generator(session, generator)
    scopes.require(session, generator, scope)
    entered = KINDS[kind].enter(url, secret, resource, reach)
    made = targets.add(
        session,
        generator=generator,
        scope=scope,
        kind=kind,
        url=url,
        secret=entered.secret,
        resource=dict(resource),
        actor=actor,
        now=now,
    )
    access.record_audit(session, now, actor, "target.create", str(made.id), f"{generator} {scope}: {kind} at {url}")
    release = _standing(session, made)
    if release is not None:
        made = targets.order(session, made.id, release.id, now)
    return NewTarget(made, entered.secret if entered.made_here else None)


def remove(session: Session, target_id: UUID, actor: str, now: datetime) -> KnownTarget:
    """From now on what its service serves is declared, not observed. Raises `target_not_found`."""
    gone = targets.remove(session, target_id)
    access.record_audit(session, now, actor, "target.remove", str(target_id), f"{gone.generator} {gone.scope}")
    return gone


def replace_secret(
    session: Session,
    target_id: UUID,
    secret: str,
    reach: Reach,
    actor: str,
    now: datetime,
    overlap: timedelta = OVERLAP,
) -> NewTarget:
    """Another token; or for a webhook a new secret of ours, while for `overlap` the previous one counts as well: each
    order is signed with both, and a word signed with either is believed.

    Raises `target_not_found` or `target_invalid`.
    """
    known = targets.require(session, target_id)
    entered = KINDS[known.kind].enter(known.url, secret, known.resource, reach)
    counts_until = now + overlap if entered.made_here else now
    changed = targets.rotate_secret(session, target_id, entered.secret, counts_until)
    said = f"{known.generator} {known.scope}; the previous one counts until {counts_until:%Y-%m-%d %H:%M} UTC"
    access.record_audit(session, now, actor, "target.secret", str(target_id), said)
    return NewTarget(changed, entered.secret if entered.made_here else None)


def tell_again(session: Session, target_id: UUID, actor: str, now: datetime) -> KnownTarget:
    """Have it serve what it should, at once, though it was changed by somebody else or waits for its next turn.

    Raises `target_not_found`, or `nothing_serving` where nothing was released to it.
    """
    known = targets.require(session, target_id)
    if known.release_id is None:
        raise nothing_released()
    access.record_audit(session, now, actor, "target.tell", str(target_id), f"{known.generator} {known.scope}")
    return targets.order(session, target_id, known.release_id, now)


def nothing_released() -> SafelightError:
    return SafelightError(Kind.CONFLICT, "nothing_serving", "Nothing was released to this target yet.")


def plan(database: Database, target_id: UUID, version: int, backend: Backend, actor: str, now: datetime) -> Planned:
    """The exact request that a release of `version` would make; nothing is changed, here or there.

    Raises `target_not_found`, `version_not_found`, or `target_unheard` where it does not say how it stands.
    """
    with database.reading() as session:
        to = targets.access(session, target_id, now)
        known = versions.require_version(session, to.target.generator, version)
        standing = ledger.newest_release(session, known.generator, to.target.scope)
    release = KnownRelease(
        id=_DRY_RUN,
        generator=known.generator,
        scope=to.target.scope,
        kind=EntryKind.PROMOTE,
        from_version=standing.to_version if standing else None,
        to_version=version,
        state=State.REQUESTED,
        actor=actor,
        reason="a dry run",
        incident_id=None,
        created_at=now,
        finished_at=None,
        ledger_seq=None,
    )
    planned = KINDS[to.target.kind].plan(Desired(release, known), to, backend, now)
    if isinstance(planned, Unheard):
        raise SafelightError(Kind.UNAVAILABLE, "target_unheard", f"The target does not say: {planned.error}.")
    return planned


def _standing(session: Session, target: KnownTarget) -> KnownRelease | None:
    """The release that put in place what should serve there, where that is somebody else's to serve."""
    entry = ledger.newest_release(session, target.generator, target.scope)
    if entry is None:
        return None
    version = versions.require_version(session, target.generator, entry.to_version)
    if target.scope == ledger.DEFAULT_SCOPE and not version.external:
        return None
    return releases.of_entry(session, target.generator, entry.seq, target.scope)
