"""Releases and their steps."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from registry.ledger import EntryKind
from registry.progress import State
from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.ledger import DEFAULT_SCOPE
from safelight.store.tables.releases import GatewayRow, Release, ReleaseStep

ENDED = frozenset({State.ACCEPTED, State.FAILED, State.ABORTED, State.SUPERSEDED})
MOVING = (State.REQUESTED, State.PREPARING, State.VERIFYING, State.FLIPPING)
CANARIES = (State.CANARY, State.PAUSED)
"""The version takes a part of the traffic, for as long as that is to take."""


@dataclass(frozen=True)
class Step:
    """Something that happened to a release."""

    seq: int
    step: str
    detail: str
    at: datetime


@dataclass(frozen=True)
class KnownRelease:
    """One change of what serves, and how far it has come."""

    id: UUID
    generator: str
    scope: str
    kind: EntryKind
    from_version: int | None
    to_version: int
    state: State
    actor: str
    reason: str
    incident_id: UUID | None
    created_at: datetime
    finished_at: datetime | None
    ledger_seq: int | None

    @property
    def moving(self) -> bool:
        """Whether the platform still has something to do for it by itself."""
        return self.state in (*MOVING, *CANARIES)


def add(
    session: Session,
    *,
    generator: str,
    scope: str = DEFAULT_SCOPE,
    kind: EntryKind,
    from_version: int | None,
    to_version: int,
    actor: str,
    reason: str,
    incident_id: UUID | None,
    now: datetime,
) -> KnownRelease:
    """A release in its first state."""
    row = Release(
        id=new_id(),
        generator=generator,
        scope=scope,
        kind=kind.value,
        from_version=from_version,
        to_version=to_version,
        state=State.REQUESTED.value,
        actor=actor,
        reason=reason,
        incident_id=incident_id,
        created_at=now,
        finished_at=None,
        ledger_seq=None,
    )
    session.add(row)
    session.flush()
    _note(session, row.id, State.REQUESTED.value, reason, now)
    return _release(row)


def move(
    session: Session,
    release: KnownRelease,
    state: State,
    now: datetime,
    detail: str = "",
    ledger_seq: int | None = None,
) -> KnownRelease:
    """Put the release in another state and note the step. The caller has asked `registry.progress` whether it may."""
    row = session.get(Release, release.id)
    if row is None:
        raise not_found("release", release.id)
    row.state = state.value
    if state is State.SERVING or state in ENDED:
        row.finished_at = row.finished_at or now
    if ledger_seq is not None:
        row.ledger_seq = ledger_seq
    session.flush()
    _note(session, row.id, state.value, detail, now)
    return _release(row)


def find(session: Session, release_id: UUID) -> KnownRelease | None:
    row = session.get(Release, release_id)
    return _release(row) if row else None


def require(session: Session, release_id: UUID) -> KnownRelease:
    """Raises `release_not_found`."""
    found = find(session, release_id)
    if found is None:
        raise not_found("release", release_id)
    return found


def in_states(
    session: Session, states: Collection[State], generator: str | None = None, scope: str | None = None
) -> list[KnownRelease]:
    """The oldest first, of all generators and scopes unless they are named."""
    query = _in_states(frozenset(states))
    if generator is not None:
        query = query.where(Release.generator == generator)
    if scope is not None:
        query = query.where(Release.scope == scope)
    return [_release(row) for row in session.scalars(query)]


@cache  # making it takes longer than it does to be answered, and every gateway asks all the time
def _in_states(states: frozenset[State]) -> Select[Release]:
    return select(Release).where(Release.state.in_([state.value for state in states])).order_by(Release.id)


def of_entry(session: Session, generator: str, ledger_seq: int, scope: str = DEFAULT_SCOPE) -> KnownRelease | None:
    """The release that wrote a ledger entry."""
    query = select(Release).where(
        Release.generator == generator, Release.scope == scope, Release.ledger_seq == ledger_seq
    )
    row = session.scalar(query)
    return _release(row) if row else None


def rollbacks_by(session: Session, generator: str, actor: str, since: datetime) -> list[datetime]:
    """When `actor` asked for a rollback, the oldest first."""
    query = select(Release.created_at).where(
        Release.generator == generator,
        Release.kind == EntryKind.ROLLBACK.value,
        Release.actor == actor,
        Release.created_at >= since,
    )
    return list(session.scalars(query.order_by(Release.id)))


def page(session: Session, generator: str | None, before: UUID | None, limit: int) -> list[KnownRelease]:
    """The newest first."""
    query = select(Release).order_by(Release.id.desc()).limit(limit)
    if generator is not None:
        query = query.where(Release.generator == generator)
    if before is not None:
        query = query.where(Release.id < before)
    return [_release(row) for row in session.scalars(query)]


def flipped_between(session: Session, generator: str, start: datetime, end: datetime) -> list[KnownRelease]:
    """Releases that were finished in a range of time, the oldest first: the markers of a chart."""
    query = (
        select(Release)
        .where(
            Release.generator == generator,
            Release.scope == DEFAULT_SCOPE,
            Release.ledger_seq.is_not(None),
            Release.created_at >= start,
            Release.created_at < end,
        )
        .order_by(Release.id)
        .limit(200)
    )
    return [_release(row) for row in session.scalars(query)]


def steps(session: Session, release_id: UUID) -> list[Step]:
    query = select(ReleaseStep).where(ReleaseStep.release_id == release_id).order_by(ReleaseStep.seq)
    return [Step(row.seq, row.step, row.detail, row.at) for row in session.scalars(query)]


def report_gateway(session: Session, gateway: str, generator: str, ledger_seq: int, now: datetime) -> None:
    """Say which ledger entry a gateway routes by; it says so again every few seconds."""
    values = {"ledger_seq": ledger_seq, "heartbeat_at": now}
    known = update(GatewayRow).where(GatewayRow.id == gateway, GatewayRow.generator == generator).values(**values)
    if session.execute(known.returning(GatewayRow.id)).first() is None:
        session.add(GatewayRow(id=gateway, generator=generator, **values))


def gateways_behind(session: Session, generator: str, ledger_seq: int, alive_since: datetime) -> int:
    """How many living gateways still route by an earlier entry."""
    query = select(func.count()).select_from(GatewayRow)
    count = session.scalar(
        query.where(
            GatewayRow.generator == generator,
            GatewayRow.heartbeat_at >= alive_since,
            GatewayRow.ledger_seq < ledger_seq,
        )
    )
    return count or 0


def _note(session: Session, release_id: UUID, step: str, detail: str, now: datetime) -> None:
    last = session.scalar(select(func.max(ReleaseStep.seq)).where(ReleaseStep.release_id == release_id))
    session.add(ReleaseStep(release_id=release_id, seq=(last or 0) + 1, step=step, detail=detail, at=now))
    session.flush()


def _release(row: Release) -> KnownRelease:
    return KnownRelease(
        id=row.id,
        generator=row.generator,
        scope=row.scope,
        kind=EntryKind(row.kind),
        from_version=row.from_version,
        to_version=row.to_version,
        state=State(row.state),
        actor=row.actor,
        reason=row.reason,
        incident_id=row.incident_id,
        created_at=row.created_at,
        finished_at=row.finished_at,
        ledger_seq=row.ledger_seq,
    )
