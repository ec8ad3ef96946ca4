"""What releases act on elsewhere: what each target is to be told, was told, and was seen to serve."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables.targets import TargetRow


class TargetKind(StrEnum):
    WEBHOOK = "webhook"
    ARGO_ROLLOUTS = "argo_rollouts"
    KSERVE = "kserve"


@dataclass(frozen=True)
class KnownTarget:
    """Somebody else's service, in one scope of a generator. Its secret is not here."""

    id: UUID
    generator: str
    scope: str
    kind: TargetKind
    url: str
    resource: dict[str, Any]
    """Which resource of a cluster is patched, and how; empty for a webhook."""
    created_at: datetime
    created_by: str
    previous_secret_until: datetime | None
    """Until then the secret before the last rotation counts as well."""
    release_id: UUID | None
    """The release that it is told of; None: nothing was released to it yet."""
    attempts: int
    """How often it was told of that release."""
    next_attempt_at: datetime | None
    told_at: datetime | None
    """When it last took what it was told."""
    last_error: str
    observed_release_id: UUID | None
    """The release it was told of when it was last seen; None: not seen since it was told of another."""
    observed_version: int | None
    """None: it was not seen to serve any version known here."""
    observed_at: datetime | None
    observed_detail: str

    def confirmed(self, release_id: UUID, version: int) -> bool:
        """Whether it was seen to serve what a release put there."""
        return (self.observed_release_id, self.observed_version) == (release_id, version)


@dataclass(frozen=True)
class Access:
    """What it takes to reach a target. Holds secrets, those valid now, the newest first: never log it."""

    target: KnownTarget
    secrets: tuple[str, ...] = field(repr=False)


def add(
    session: Session,
    *,
    generator: str,
    scope: str,
    kind: TargetKind,
    url: str,
    secret: str,
    resource: dict[str, Any],
    actor: str,
    now: datetime,
) -> KnownTarget:
    """Raises `target_exists`."""
    if find(session, generator, scope) is not None:
        raise SafelightError(
            Kind.CONFLICT,
            "target_exists",
            f"{generator} has a target in the scope {scope} already. Remove that one first.",
        )
    row = TargetRow(
        id=new_id(),
        generator=generator,
        scope=scope,
        kind=kind.value,
        url=url,
        secret=secret,
        resource=resource,
        created_at=now,
        created_by=actor,
        attempts=0,
        last_error="",
        observed_detail="",
    )
    session.add(row)
    session.flush()
    return _target(row)


def remove(session: Session, target_id: UUID) -> KnownTarget:
    """Raises `target_not_found`."""
    target = require(session, target_id)
    session.execute(delete(TargetRow).where(TargetRow.id == target_id))
    return target


def all_of(session: Session, generator: str | None = None) -> list[KnownTarget]:
    query = select(TargetRow).order_by(TargetRow.generator, TargetRow.scope)
    if generator is not None:
        query = query.where(TargetRow.generator == generator)
    return [_target(row) for row in session.scalars(query)]


def find(session: Session, generator: str, scope: str) -> KnownTarget | None:
    row = session.scalar(select(TargetRow).where(TargetRow.generator == generator, TargetRow.scope == scope))
    return _target(row) if row else None


def missing(generator: str, scope: str) -> SafelightError:
    return not_found("target", f"{generator} in the scope {scope}")


def require(session: Session, target_id: UUID) -> KnownTarget:
    """Raises `target_not_found`."""
    return _target(_row(session, target_id))


def access(session: Session, target_id: UUID, now: datetime) -> Access:
    """Raises `target_not_found`."""
    row = _row(session, target_id)
    return Access(_target(row), row.valid_secrets(now))


def rotate_secret(session: Session, target_id: UUID, secret: str, previous_until: datetime) -> KnownTarget:
    """A new secret counts from now on, and the one it takes the place of until `previous_until`; older ones no more."""
    row = _row(session, target_id)
    row.rotate(secret, previous_until)
    session.flush()
    return _target(row)


def order(session: Session, target_id: UUID, release_id: UUID | None, now: datetime) -> KnownTarget:
    """From now on it is told of this release, at once, until it is seen to serve it; no longer of the one before.

    With None it is told nothing any more.
    """
    row = _row(session, target_id)
    row.release_id, row.attempts, row.next_attempt_at = release_id, 0, now
    row.told_at, row.last_error, row.observed_release_id = None, "", None
    session.flush()
    return _target(row)


def record_attempt(
    session: Session, target_id: UUID, release_id: UUID, now: datetime, error: str, next_attempt_at: datetime | None
) -> None:
    """What came of telling it, and when to do so again; nothing where it is told of another release by now."""
    row = session.get(TargetRow, target_id, with_for_update=True, populate_existing=True)
    if row is None or row.release_id != release_id:
        return
    row.attempts, row.next_attempt_at, row.last_error = row.attempts + 1, next_attempt_at, error
    if not error:
        row.told_at = now
    session.flush()


def rest(session: Session, target_id: UUID) -> None:
    """It is spoken to no more until it is told of another release, or told again."""
    _row(session, target_id).next_attempt_at = None
    session.flush()


def observe(
    session: Session, target_id: UUID, release_id: UUID, version: int | None, detail: str, now: datetime
) -> KnownTarget:
    """What it was seen to serve while it is told of a release; the caller has checked that it is that one."""
    row = _row(session, target_id)
    row.observed_release_id, row.observed_version = release_id, version
    row.observed_at, row.observed_detail = now, detail
    session.flush()
    return _target(row)


def _row(session: Session, target_id: UUID) -> TargetRow:
    row = session.get(TargetRow, target_id)
    if row is None:
        raise not_found("target", target_id)
    return row


def _target(row: TargetRow) -> KnownTarget:
    return KnownTarget(
        id=row.id,
        generator=row.generator,
        scope=row.scope,
        kind=TargetKind(row.kind),
        url=row.url,
        resource=row.resource,
        created_at=row.created_at,
        created_by=row.created_by,
        previous_secret_until=row.previous_secret_until,
        release_id=row.release_id,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        told_at=row.told_at,
        last_error=row.last_error,
        observed_release_id=row.observed_release_id,
        observed_version=row.observed_version,
        observed_at=row.observed_at,
        observed_detail=row.observed_detail,
    )
