"""Shadows beside the images that they shadow."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session, aliased

from safelight.ids import first_id_at
from safelight.store.tables.generations import GenerationRow, Score


@dataclass(frozen=True)
class ShadowPair:
    """The alignments of a shadow and of the image that it shadows; None where one is blank or unreadable."""

    shadow: float | None
    served: float | None


def pairs(
    session: Session,
    generator: str,
    version: int,
    start: datetime,
    end: datetime,
    *,
    embedder_digest: str,
    limit: int,
) -> list[ShadowPair]:
    """Shadows by a version made in a range of time, the newest first, whose images have both been looked at."""
    served = aliased(Score)
    query = (
        select(_alignment(Score), _alignment(served))
        .join(GenerationRow, GenerationRow.id == Score.generation_id)
        .join(served, served.generation_id == GenerationRow.request_id)
        .where(
            Score.generator == generator,
            Score.version == version,
            Score.generation_id >= first_id_at(start),
            Score.generation_id < first_id_at(end),
            Score.embedder_digest == embedder_digest,
            served.embedder_digest == embedder_digest,
            GenerationRow.arm == "shadow",
        )
        .order_by(Score.generation_id.desc())
    )
    return [ShadowPair(*row) for row in session.execute(query.limit(limit))]


def _alignment(score: type[Score]) -> ColumnElement[float | None]:
    return case((score.blank | score.broken, None), else_=score.alignment)
