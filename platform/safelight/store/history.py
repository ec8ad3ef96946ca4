"""The log of a generator with its scores, in the order of time: what is read when all of the past is looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from safelight.ids import first_id_at
from safelight.store.scores import GenerationScore, stored_score
from safelight.store.tables import GenerationRow, Score


@dataclass(frozen=True)
class Stretch:
    """Generations of a generator made in [start, end); an end that is None is open."""

    generator: str
    start: datetime | None = None
    end: datetime | None = None

    @property
    def conditions(self) -> Iterator[ColumnElement[bool]]:
        yield GenerationRow.generator == self.generator
        if self.start is not None:
            yield GenerationRow.id >= first_id_at(self.start)
        if self.end is not None:
            yield GenerationRow.id < first_id_at(self.end)


@dataclass(frozen=True)
class Logged:
    """A generation as it was logged, and its score once it has one."""

    id: UUID
    created_at: datetime
    version: int
    outcome: str
    arm: str
    prompt: str
    parameters: dict[str, Any]
    replica: str | None
    adapter: str | None
    tenant: str | None
    region: str | None
    score: GenerationScore | None


def count(session: Session, where: Stretch) -> int:
    return session.scalar(select(func.count()).select_from(GenerationRow).where(*where.conditions)) or 0


def newest_embedder(session: Session, where: Stretch) -> str | None:
    """The digest of the embedder that scored the newest generation that has a score; None where none has one."""
    query = select(Score.embedder_digest).join(GenerationRow, GenerationRow.id == Score.generation_id)
    return session.scalar(query.where(*where.conditions).order_by(GenerationRow.id.desc()).limit(1))


def after(session: Session, where: Stretch, last: UUID | None, limit: int) -> list[Logged]:
    """At most `limit` generations made after the one named, the oldest first."""
    query = select(GenerationRow, Score).outerjoin(Score, Score.generation_id == GenerationRow.id)
    query = query.where(*where.conditions).order_by(GenerationRow.id).limit(limit)
    if last is not None:
        query = query.where(GenerationRow.id > last)
    return [_logged(row, score) for row, score in session.execute(query)]


def _logged(row: GenerationRow, score: Score | None) -> Logged:
    return Logged(
        id=row.id,
        created_at=row.created_at,
        version=row.version,
        outcome=row.outcome,
        arm=row.arm,
        prompt=row.prompt,
        parameters=row.parameters,
        replica=row.replica,
        adapter=row.adapter,
        tenant=row.tenant,
        region=row.region,
        score=None if score is None else stored_score(score),
    )
