"""Requests to forget somebody, and what is logged of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.tables import GenerationRow
from safelight.store.tables.erasures import ErasureRow


class ErasureState(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class Subject:
    """Who is to be forgotten: a tenant by name, or all that was made with one key."""

    tenant: str | None = None
    api_key_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.tenant is None) == (self.api_key_id is None):
            raise ValueError("a subject is a tenant or a key")

    def __str__(self) -> str:
        return f"tenant {self.tenant}" if self.tenant is not None else f"key {self.api_key_id}"


@dataclass(frozen=True)
class Erasure:
    """A request and how far it has come. `looked_from` is when the present look through the log began."""

    id: UUID
    subject: Subject
    reason: str
    state: ErasureState
    erased: int
    cursor: UUID | None
    looked_from: datetime | None
    requested_at: datetime
    requested_by: str
    finished_at: datetime | None


@dataclass(frozen=True)
class Personal:
    """What has to be known of a generation to forget it."""

    id: UUID
    generator: str
    prompt: str
    image_keys: tuple[str, ...]


def add(session: Session, subject: Subject, reason: str, actor: str, now: datetime) -> Erasure:
    """Raises nothing: whoever is asked to be forgotten twice is forgotten twice."""
    row = ErasureRow(
        id=new_id(),
        tenant=subject.tenant,
        api_key_id=subject.api_key_id,
        reason=reason,
        state=ErasureState.RUNNING.value,
        erased=0,
        requested_at=now,
        requested_by=actor,
    )
    session.add(row)
    session.flush()
    return _erasure(row)


def get(session: Session, erasure_id: UUID) -> Erasure:
    """Raises `erasure_not_found`."""
    return _erasure(_row(session, erasure_id))


def page(session: Session, before: UUID | None = None, limit: int = 50) -> list[Erasure]:
    """The newest first."""
    query = select(ErasureRow).order_by(ErasureRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ErasureRow.id < before)
    return [_erasure(row) for row in session.scalars(query)]


def running(session: Session, subject: Subject | None = None) -> list[Erasure]:
    """The oldest first."""
    query = select(ErasureRow).where(ErasureRow.state == ErasureState.RUNNING.value)
    if subject is not None:
        query = query.where(ErasureRow.tenant == subject.tenant, ErasureRow.api_key_id == subject.api_key_id)
    return [_erasure(row) for row in session.scalars(query.order_by(ErasureRow.id))]


def advance(session: Session, erasure_id: UUID, **values: Any) -> Erasure:
    """Note how far it has come."""
    row = _row(session, erasure_id)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return _erasure(row)


def forgotten(session: Session, tenants: Collection[str], api_key_ids: Collection[UUID]) -> dict[str | UUID, datetime]:
    """Of these, who was to be forgotten, and up to which moment."""
    query = select(ErasureRow.tenant, ErasureRow.api_key_id, ErasureRow.requested_at).where(
        or_(ErasureRow.tenant.in_(tenants), ErasureRow.api_key_id.in_(api_key_ids))
    )
    until: dict[str | UUID, datetime] = {}
    for tenant, key, at in session.execute(query):
        for who in (tenant, key):
            if who is not None:
                until[who] = max(at, until.get(who, at))
    return until


def personal(session: Session, erasure: Erasure, before: UUID, limit: int) -> list[Personal]:
    """The next generations of the one who is to be forgotten, in the order of their ids."""
    query = (
        select(GenerationRow)
        .where(
            _is_of(erasure.subject),
            GenerationRow.id > (erasure.cursor or UUID(int=0)),
            GenerationRow.id < before,
            GenerationRow.created_at <= erasure.requested_at,
        )
        .order_by(GenerationRow.id)
        .limit(limit)
    )
    return [_personal(row) for row in session.scalars(query)]


def copies(session: Session, generator: str, prompts: Collection[str], limit: int) -> list[Personal]:
    """What we made ourselves of these prompts since: replays, and probes drawn from what people asked for."""
    query = select(GenerationRow).where(
        GenerationRow.generator == generator,
        GenerationRow.arm.in_(["replay", "probe"]),
        GenerationRow.prompt.in_(prompts),
    )
    return [_personal(row) for row in session.scalars(query.limit(limit))]


def _is_of(subject: Subject) -> ColumnElement[bool]:
    if subject.tenant is not None:
        return GenerationRow.tenant == subject.tenant
    return GenerationRow.api_key_id == subject.api_key_id


def _personal(row: GenerationRow) -> Personal:
    keys = tuple(key for key in (row.image_key, row.thumbnail_key) if key is not None)
    return Personal(row.id, row.generator, row.prompt, keys)


def _row(session: Session, erasure_id: UUID) -> ErasureRow:
    row = session.get(ErasureRow, erasure_id)
    if row is None:
        raise not_found("erasure", erasure_id)
    return row


def _erasure(row: ErasureRow) -> Erasure:
    return Erasure(
        id=row.id,
        subject=Subject(row.tenant, row.api_key_id),
        reason=row.reason,
        state=ErasureState(row.state),
        erased=row.erased,
        cursor=row.cursor,
        looked_from=row.looked_from,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        finished_at=row.finished_at,
    )
