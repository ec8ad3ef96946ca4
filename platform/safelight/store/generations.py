"""The log of generations: written by the shipper, read newest first by everybody else."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import first_id_at
from safelight.store.tables import Environment, GenerationRow, Score, ScoreTask
from safelight.store.upsert import insert

# A CLIPScore-like alignment below this is flagged: hardly anything of the prompt is in the image.
LOW_ALIGNMENT = 0.15
LOOKED_THROUGH = 20_000
"""Generations that one search looks through for what no index finds."""


class RowRefused(Exception):
    """The database will never take these values, however often it is asked: a NUL in a text, a number too large."""


class Flag(StrEnum):
    """What can be wrong with one generation."""

    BLANK = "blank"
    BROKEN = "broken"
    NEAR_DUPLICATE = "near_duplicate"
    LOW_ALIGNMENT = "low_alignment"
    FAILED = "failed"


@dataclass(frozen=True)
class StoredScore:
    """The signals of a generation, under the embedder named; None where the image had no pixels to judge."""

    scored_at: datetime
    embedder_digest: str
    alignment: float | None
    sharpness: float | None
    contrast: float | None
    brightness: float | None
    blank: bool
    broken: bool
    broken_reason: str | None
    near_duplicate_of: UUID | None
    prompt_truncated: bool


@dataclass(frozen=True)
class StoredGeneration:
    """A logged generation, with its score once it has one."""

    id: UUID
    created_at: datetime
    generator: str
    version: int
    bundle_digest: str
    environment_digest: str | None
    source: str
    arm: str
    outcome: str
    error_code: str | None
    request_id: UUID
    api_key_id: UUID | None
    replica: str | None
    adapter: str | None
    tenant: str | None
    region: str | None
    end_user: str | None
    prompt: str
    final_prompt: str | None
    seed: int | None
    parameters: dict[str, Any]
    envelope: dict[str, Any]
    queue_ms: float | None
    engine_ms: float | None
    total_ms: float | None
    image_key: str | None
    thumbnail_key: str | None
    image_sha256: str | None
    score: StoredScore | None = None


@dataclass(frozen=True)
class Filters:
    """Which generations are wanted; what is None or empty does not narrow."""

    generator: str | None = None
    version: int | None = None
    outcomes: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    flag: Flag | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    replica: str | None = None
    adapter: str | None = None
    tenant: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class Found:
    """What a search has found. It may go on before `further`; None where there is nothing older."""

    generations: list[StoredGeneration]
    further: UUID | None


_COLUMNS = [field.name for field in fields(StoredGeneration) if field.name != "score"]
_SIGNALS = [field.name for field in fields(StoredScore)]


def add(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Inserts rows (a value for every column of StoredGeneration) and the score tasks of those served with an image.

    Returns the ids that were not there before; the others are left as they stand. Raises RowRefused.
    """
    if not rows:
        return set()
    with _refusals():
        new = _add_new(session, rows)
        tasks = [
            {"generation_id": row["id"], "generator": row["generator"]}
            for row in rows
            if row["id"] in new and row["image_key"] is not None and row["outcome"] == "served"
        ]
        if tasks:
            session.execute(insert(session, ScoreTask), tasks)
    return new


_TABLE = GenerationRow.metadata.tables[GenerationRow.__tablename__]
_NAMES = ", ".join(column.name for column in _TABLE.columns)
# One document that the server reads into rows: half of what a statement a row costs, and it tells which were new.
_ADD_ALL = text(
    f"INSERT INTO generations ({_NAMES}) SELECT {_NAMES} "  # noqa: S608 - names of our own columns
    "FROM jsonb_populate_recordset(NULL::generations, CAST(:rows AS jsonb)) ON CONFLICT DO NOTHING RETURNING id"
)


def _add_new(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    if session.get_bind().dialect.name == "sqlite":
        # One writer at a time: nobody can add what is not there between the look and the insert.
        new = {row["id"]: row for row in rows}
        for old in known(session, new):
            del new[old]
        if new:
            # The table and not its class: an insert by class sorts each row's values by column first.
            session.execute(sqlite.insert(_TABLE), list(new.values()))
        return set(new)
    document = json.dumps([dict(row) for row in rows], default=_text, allow_nan=False)
    return set(session.scalars(_ADD_ALL, {"rows": document}))


def _text(value: object) -> str:
    """What JSON has no word for. A naive moment is none: see UtcDateTime."""
    if isinstance(value, UUID) or (isinstance(value, datetime) and value.tzinfo is not None):
        return str(value)
    raise ValueError(f"a {type(value).__name__} has no place in a generation's row")


def add_environments(session: Session, details: Mapping[str, Mapping[str, Any]], now: datetime) -> None:
    """Keeps what each environment digest stands for, the first time it is seen. Raises RowRefused."""
    rows = [{"digest": key, "details": dict(value), "first_seen_at": now} for key, value in sorted(details.items())]
    if rows:
        with _refusals():
            session.execute(insert(session, Environment).on_conflict_do_nothing(), rows)


def known(session: Session, identifiers: Collection[UUID]) -> set[UUID]:
    """Which of these are logged already."""
    return set(session.scalars(select(GenerationRow.id).where(GenerationRow.id.in_(identifiers))))


def find(session: Session, identifier: UUID) -> StoredGeneration | None:
    found = session.execute(_joined().where(GenerationRow.id == identifier)).one_or_none()
    if found is None:
        return None
    row, score = found
    return _stored(row, score)


def get(session: Session, identifier: UUID) -> StoredGeneration:
    """Raises `generation_not_found`."""
    found = find(session, identifier)
    if found is None:
        raise not_found("generation", identifier)
    return found


def environment(session: Session, digest: str) -> dict[str, Any] | None:
    """What an environment digest stands for."""
    row = session.get(Environment, digest)
    return row.details if row else None


def search(
    session: Session,
    filters: Filters,
    before_id: UUID | None = None,
    limit: int = 50,
    *,
    looked_through: int = LOOKED_THROUGH,
) -> Found:
    """At most `limit` generations older than `before_id`, newest first.

    It ends after so many generations at the latest, however little it has found: a rare sign or word would have all of
    the history read.
    """
    narrowed = [*_indexed(filters), *_older(before_id)]
    floor = None
    if any(True for _ in _unindexed(filters)):
        oldest = select(GenerationRow.id).where(*narrowed).order_by(GenerationRow.id.desc())
        floor = session.scalar(oldest.offset(looked_through - 1).limit(1))
    query = _joined().where(*narrowed, *_unindexed(filters))
    if floor is not None:
        query = query.where(GenerationRow.id >= floor)
    rows = session.execute(query.order_by(GenerationRow.id.desc()).limit(limit))
    found = [_stored(row, score) for row, score in rows]
    return Found(found, found[-1].id if len(found) == limit else floor)


def page(session: Session, filters: Filters, before_id: UUID | None = None, limit: int = 50) -> list[StoredGeneration]:
    """At most `limit` generations older than `before_id`, newest first, however far back they lie."""
    query = _joined().where(*_indexed(filters), *_unindexed(filters), *_older(before_id))
    rows = session.execute(query.order_by(GenerationRow.id.desc()).limit(limit))
    return [_stored(row, score) for row, score in rows]


def _joined() -> Select[GenerationRow, Score | None]:
    return select(GenerationRow, Score).outerjoin(Score, Score.generation_id == GenerationRow.id)


def _older(before_id: UUID | None) -> list[ColumnElement[bool]]:
    return [] if before_id is None else [GenerationRow.id < before_id]


def _indexed(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What an index narrows, newest first."""
    if filters.generator is not None:
        yield GenerationRow.generator == filters.generator
        yield from _parts(filters)
    if filters.since is not None:
        yield GenerationRow.id >= first_id_at(filters.since)
    if filters.until is not None:
        yield GenerationRow.id < first_id_at(filters.until)


def _unindexed(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.generator is None:
        yield from _parts(filters)
    if filters.outcomes:
        yield GenerationRow.outcome.in_(filters.outcomes)
    if filters.arms:
        yield GenerationRow.arm.in_(filters.arms)
    if filters.text:
        yield GenerationRow.prompt.icontains(filters.text, autoescape=True)
    if filters.flag is not None:
        yield _FLAGGED[filters.flag]


def _parts(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Parts of one generator's traffic: the indexes of these begin with the generator."""
    for name in ("version", "replica", "adapter", "tenant", "region"):
        wanted = getattr(filters, name)
        if wanted is not None:
            yield getattr(GenerationRow, name) == wanted


_FLAGGED: dict[Flag, ColumnElement[bool]] = {
    Flag.BLANK: Score.blank.is_(True),
    Flag.BROKEN: Score.broken.is_(True),
    Flag.NEAR_DUPLICATE: Score.near_duplicate_of.is_not(None),
    Flag.LOW_ALIGNMENT: Score.alignment < LOW_ALIGNMENT,
    Flag.FAILED: GenerationRow.outcome == "failed",
}


def _stored(row: GenerationRow, score: Score | None) -> StoredGeneration:
    signals = StoredScore(**{name: getattr(score, name) for name in _SIGNALS}) if score is not None else None
    return StoredGeneration(**{name: getattr(row, name) for name in _COLUMNS}, score=signals)


@contextmanager
def _refusals() -> Iterator[None]:
    """Tells values that can never be stored from a database that cannot be asked right now."""
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise RowRefused(str(error.orig).partition("\n")[0]) from error
    except DBAPIError:
        raise
    except (StatementError, ValueError, OverflowError) as error:
        raise RowRefused(f"{type(error).__name__} while binding a value") from error
