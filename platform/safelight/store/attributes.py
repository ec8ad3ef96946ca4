"""Attributes that are watched, and the readings of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import first_id_at
from safelight.store.scores import unpack
from safelight.store.tables.attributes import AttributeReading, AttributeRow
from safelight.store.tables.generations import GenerationRow, Score
from safelight.store.upsert import insert

_READ_BACK = 20_000
"""Generations looked through for those an attribute is asked of, the newest first: the same work at any traffic."""


@dataclass(frozen=True)
class Attribute:
    """Of the images whose prompt contains `about`, which of the phrases `options` does each show?"""

    generator: str
    name: str
    about: str
    options: tuple[str, ...]
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class Reading:
    """How many images of one version showed each option in the day before `slot`."""

    slot: datetime
    version: int
    embedder_digest: str
    counts: tuple[int, ...]
    unclear: int


def put(session: Session, attribute: Attribute) -> None:
    """Add an attribute, or replace the one of its name together with its readings: other phrases, other shares."""
    existing = session.get(AttributeRow, (attribute.generator, attribute.name))
    if existing is not None:
        session.delete(existing)
        session.flush()
    session.add(AttributeRow(**{**asdict(attribute), "options": list(attribute.options)}))
    session.flush()


def remove(session: Session, generator: str, name: str) -> None:
    """With its readings. Raises `attribute_not_found`."""
    session.delete(_row(session, generator, name))
    session.flush()


def get(session: Session, generator: str, name: str) -> Attribute:
    """Raises `attribute_not_found`."""
    return _attribute(_row(session, generator, name))


def all_of(session: Session, generator: str | None = None) -> list[Attribute]:
    """By generator and name."""
    query = select(AttributeRow).order_by(AttributeRow.generator, AttributeRow.name)
    if generator is not None:
        query = query.where(AttributeRow.generator == generator)
    return [_attribute(row) for row in session.scalars(query)]


def readings(session: Session, generator: str, name: str, limit: int) -> list[Reading]:
    """The newest first."""
    query = (
        select(AttributeReading)
        .where(AttributeReading.generator == generator, AttributeReading.name == name)
        .order_by(AttributeReading.slot.desc())
        .limit(limit)
    )
    return [
        Reading(row.slot, row.version, row.embedder_digest, tuple(row.counts), row.unclear)
        for row in session.scalars(query)
    ]


def keep(session: Session, attribute: Attribute, reading: Reading) -> None:
    """Add a reading; of an hour that was read already the first stays."""
    values = {**asdict(reading), "counts": list(reading.counts)}
    row = {"generator": attribute.generator, "name": attribute.name, **values}
    session.execute(insert(session, AttributeReading).values(row).on_conflict_do_nothing())


def embeddings(
    session: Session,
    attribute: Attribute,
    version: int,
    embedder_digest: str,
    start: datetime,
    end: datetime,
    *,
    arms: Sequence[str],
    limit: int,
) -> list[NDArray[np.float32]]:
    """Embeddings [d] of at most `limit` of the newest images made in a range of time for prompts it is asked of."""
    newest = (
        select(Score.generation_id, Score.image_embedding)
        .where(
            Score.generator == attribute.generator,
            Score.version == version,
            Score.generation_id >= first_id_at(start),
            Score.generation_id < first_id_at(end),
            Score.embedder_digest == embedder_digest,
            Score.image_embedding.is_not(None),
        )
        .order_by(Score.generation_id.desc())
        .limit(_READ_BACK)
        .subquery()
    )
    query = (
        select(newest.c.image_embedding)
        .join(GenerationRow, GenerationRow.id == newest.c.generation_id)
        .where(GenerationRow.arm.in_(arms), GenerationRow.prompt.icontains(attribute.about, autoescape=True))
        .order_by(newest.c.generation_id.desc())
        .limit(limit)
    )
    return [unpack(packed) for packed in session.scalars(query)]


def _row(session: Session, generator: str, name: str) -> AttributeRow:
    row = session.get(AttributeRow, (generator, name))
    if row is None:
        raise not_found("attribute", name)
    return row


def _attribute(row: AttributeRow) -> Attribute:
    return Attribute(row.generator, row.name, row.about, tuple(row.options), row.created_at, row.created_by)
