"""The images of probe runs, with what became of them and what they scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.store.scores import unpack
from safelight.store.tables.generations import GenerationRow, Score
from safelight.store.tables.probes import ProbeImageRow
from safelight.store.upsert import insert


@dataclass(frozen=True)
class ProbeImage:
    """What the gateway said of one probe."""

    place: int
    repeat: int
    generation_id: UUID
    outcome: str
    error_code: str | None


@dataclass(frozen=True, eq=False)
class ScoredProbe:
    """A probe's image as far as it has come: `scored` once the scorer has looked at it. Embeddings are unit vectors."""

    place: int
    repeat: int
    generation_id: UUID
    outcome: str
    error_code: str | None
    image_key: str | None
    sha256: str | None
    scored: bool
    bad: bool
    alignment: float | None
    image: NDArray[np.float32] | None
    prompt: NDArray[np.float32] | None
    engine_ms: float | None
    """What its batch took on the engine; `batch_size` images shared it."""
    batch_size: int | None


def add(session: Session, run_id: UUID, images: Sequence[ProbeImage]) -> None:
    """What is there already stays: a run that is taken over makes nothing twice."""
    rows = [vars(image) | {"run_id": run_id} for image in images]
    if rows:
        session.execute(insert(session, ProbeImageRow).on_conflict_do_nothing(), rows)


def places(session: Session, run_id: UUID) -> set[tuple[int, int]]:
    """Place and repeat of what has been made."""
    query = select(ProbeImageRow.place, ProbeImageRow.repeat).where(ProbeImageRow.run_id == run_id)
    return {(place, repeat) for place, repeat in session.execute(query)}


def of_run(session: Session, run_id: UUID, embedder_digest: str | None = None) -> list[ScoredProbe]:
    """In the order of places, the first outputs before their repetitions; scores of one embedder, or of any."""
    scored = Score.generation_id == ProbeImageRow.generation_id
    if embedder_digest is not None:
        scored &= Score.embedder_digest == embedder_digest
    query = (
        select(
            ProbeImageRow,
            GenerationRow.image_key,
            GenerationRow.image_sha256,
            GenerationRow.engine_ms,
            GenerationRow.envelope["batch_size"].as_integer(),
            Score,
        )
        .outerjoin(GenerationRow, GenerationRow.id == ProbeImageRow.generation_id)
        .outerjoin(Score, scored)
        .where(ProbeImageRow.run_id == run_id)
        .order_by(ProbeImageRow.repeat, ProbeImageRow.place)
    )
    return [_scored(*row) for row in session.execute(query)]


def _scored(
    row: ProbeImageRow,
    key: str | None,
    sha256: str | None,
    engine_ms: float | None,
    batch_size: int | None,
    score: Score | None,
) -> ScoredProbe:
    return ScoredProbe(
        place=row.place,
        repeat=row.repeat,
        generation_id=row.generation_id,
        outcome=row.outcome,
        error_code=row.error_code,
        image_key=key,
        sha256=sha256,
        scored=score is not None,
        bad=score is not None and (score.blank or score.broken),
        alignment=score.alignment if score else None,
        image=unpack(score.image_embedding) if score and score.image_embedding else None,
        prompt=unpack(score.prompt_embedding) if score and score.prompt_embedding else None,
        engine_ms=engine_ms,
        batch_size=batch_size,
    )
