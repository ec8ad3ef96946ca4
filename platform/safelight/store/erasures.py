"""Requests to forget somebody, and what is logged of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.tables import GenerationRow
from safelight.store.tables.erasures import ErasureRow
from safelight.store.tables.generations import OWN_ARMS

_WORDS = {"tenant": "tenant", "api_key_id": "key", "end_user": "end user"}


class ErasureState(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class Subject:
    """Who is to be forgotten: a tenant, whoever used one key, or one end user."""

    tenant: str | None = None
    api_key_id: UUID | None = None
    end_user: str | None = None

    def __post_init__(self) -> None:
        if len(self.named) != 1:
            raise ValueError("a subject is a tenant, a key or an end user")

    def __str__(self) -> str:
        [(column, value)] = self.named.items()
        return f"{_WORDS[column]} {value}"

    @property
    def named(self) -> dict[str, str | UUID]:
        """The one column that names it, with its value."""
        return {column: value for column, value in vars(self).items() if value is not None}


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
        **vars(subject),
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
        query = query.where(*(getattr(ErasureRow, column) == value for column, value in subject.named.items()))
    return [_erasure(row) for row in session.scalars(query.order_by(ErasureRow.id))]


def advance(session: Session, erasure_id: UUID, **values: Any) -> Erasure:
    """Note how far it has come."""
    row = _row(session, erasure_id)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return _erasure(row)


def forgotten(session: Session, subjects: Collection[Subject]) -> dict[Subject, datetime]:
    """Of these, who was to be forgotten, and up to which moment."""
    wanted: dict[str, list[str | UUID]] = {column: [] for column in _WORDS}
    for subject in subjects:
        for column, value in subject.named.items():
            wanted[column].append(value)
    named = [getattr(ErasureRow, column).in_(values) for column, values in wanted.items() if values]
    columns = (ErasureRow.tenant, ErasureRow.api_key_id, ErasureRow.end_user, ErasureRow.requested_at)
    until: dict[Subject, datetime] = {}
    for tenant, key, end_user, at in session.execute(select(*columns).where(or_(*named))) if named else ():
        who = Subject(tenant, key, end_user)
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
    # Joined to nothing, so that it is found by the prompts and not by the generator, whose log has no end.
    of_generator = GenerationRow.generator.concat("") == generator
    query = select(GenerationRow).where(text(OWN_ARMS), GenerationRow.prompt.in_(prompts), of_generator)
    return [_personal(row) for row in session.scalars(query.limit(limit))]


def _is_of(subject: Subject) -> ColumnElement[bool]:
    [(column, value)] = subject.named.items()
    is_of: ColumnElement[bool] = getattr(GenerationRow, column) == value
    return is_of


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
        subject=Subject(row.tenant, row.api_key_id, row.end_user),
        reason=row.reason,
        state=ErasureState(row.state),
        erased=row.erased,
        cursor=row.cursor,
        looked_from=row.looked_from,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        finished_at=row.finished_at,
    )
