"""Letting go of what is old: rows in bounded batches, whole months where the table has partitions.

What incidents and probes rest on is kept for ever.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from safelight.ids import made_at
from safelight.store.tables import (
    FeedbackRow,
    GenerationRow,
    ImageFetch,
    Incident,
    ProbeImageRow,
    Score,
    ScoreTask,
    ToldSignals,
)

# Tasks first: whoever is scoring one holds its row, and the score is there once that is let go.
_FINDINGS = (ScoreTask, ToldSignals, ImageFetch, Score, FeedbackRow)
_EVIDENCE_LAG = timedelta(days=90)
"""An incident rests on nothing that was made longer before it opened."""


@dataclass(frozen=True)
class Range:
    """Generations by id, hence by time: `start` is in it and `end` is not."""

    start: UUID
    end: UUID


def kept(session: Session, among: Range) -> set[UUID]:
    """Generations that incidents name as their evidence, and outputs that later probes are held against."""
    opened = Incident.opened_at >= made_at(among.start), Incident.opened_at < made_at(among.end) + _EVIDENCE_LAG
    evidence = select(Incident.evidence).where(*opened)
    named = {identifier for document in session.scalars(evidence) for identifier in _ids(document)}
    probed = select(ProbeImageRow.generation_id).where(
        ProbeImageRow.generation_id >= among.start, ProbeImageRow.generation_id < among.end
    )
    return {each for each in named if among.start <= each < among.end} | set(session.scalars(probed))


def oldest(session: Session, among: Range, limit: int) -> list[UUID]:
    """The first generations of a range."""
    query = select(GenerationRow.id).where(GenerationRow.id >= among.start, GenerationRow.id < among.end)
    return list(session.scalars(query.order_by(GenerationRow.id).limit(limit)))


def forget(session: Session, identifiers: Collection[UUID]) -> None:
    """Delete generations with all that was found out about each."""
    forget_findings(session, identifiers)
    session.execute(delete(GenerationRow).where(GenerationRow.id.in_(identifiers)))


def forget_findings(session: Session, identifiers: Collection[UUID]) -> None:
    """Delete what was found out about generations: their scores, and what people made of them."""
    for table in _FINDINGS:
        session.execute(delete(table).where(table.generation_id.in_(identifiers)))


def with_findings(session: Session, among: Range, but: Collection[UUID], limit: int) -> list[UUID]:
    """Generations of a range of which something was found out, at most so many."""
    found: set[UUID] = set()
    for table in _FINDINGS:
        column = table.generation_id
        query = select(column).where(column >= among.start, column < among.end, column.not_in(but)).distinct()
        found.update(session.scalars(query.order_by(column).limit(limit)))
    return sorted(found)[:limit]


def forget_images(session: Session, identifiers: Collection[UUID]) -> None:
    """Say of generations that their images are not kept any more."""
    session.execute(
        update(GenerationRow)
        .where(GenerationRow.id.in_(identifiers))
        .values(image_key=None, thumbnail_key=None)
        .execution_options(synchronize_session=False)
    )


def _ids(document: Any) -> Iterator[UUID]:
    """Every id that stands anywhere in a document."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from _ids(each)
    elif isinstance(document, str) and len(document) == _ID_LENGTH:
        try:
            yield UUID(document)
        except ValueError:
            return


_ID_LENGTH = len(str(UUID(int=0)))
