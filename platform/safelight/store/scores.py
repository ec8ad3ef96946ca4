"""Generations that wait for their scores, and the scores."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.orm import Session

from safelight.ids import first_id_at, made_at
from safelight.settings import SliceAttribute
from safelight.store.slices import Slice
from safelight.store.tables.generations import GenerationRow, Score, ScoreTask
from safelight.store.tables.ingest import ToldSignals
from safelight.store.tables.monitoring import SliceRow

# Half precision: its rounding is three orders of magnitude below what a prompt leaves unexplained of an image.
_STORED = np.dtype("<f2")
_SEEN_BY_AN_EMBEDDER = (
    "scored_at",
    "embedder_digest",
    "alignment",
    "prompt_truncated",
    "image_embedding",
    "prompt_embedding",
)


@dataclass(frozen=True)
class Waiting:
    """A logged generation whose image has not been looked at yet, or not by the present embedder."""

    generation_id: UUID
    created_at: datetime
    generator: str
    version: int
    arm: str
    outcome: str
    prompt: str
    parameters: dict[str, Any]
    image_key: str | None
    replica: str | None = None
    adapter: str | None = None
    tenant: str | None = None
    region: str | None = None
    told: dict[str, Any] | None = None
    """What was seen of it at the source, in place of an image to look at."""


@dataclass(frozen=True, eq=False)
class GenerationScore:
    """The signals of one generation. What a broken image cannot give is None, and `broken_reason` says why.

    Embeddings are float32 unit vectors; they are kept in half precision.
    """

    generation_id: UUID
    generator: str
    version: int
    scored_at: datetime
    embedder_digest: str
    alignment: float | None = None
    sharpness: float | None = None
    contrast: float | None = None
    brightness: float | None = None
    blank: bool = False
    broken_reason: str | None = None
    perceptual_hash: int | None = None
    near_duplicate_of: UUID | None = None
    prompt_truncated: bool = False
    image_embedding: NDArray[np.float32] | None = None
    prompt_embedding: NDArray[np.float32] | None = None

    @property
    def broken(self) -> bool:
        """Whether there are no pixels to judge."""
        return self.broken_reason is not None


@dataclass(frozen=True, eq=False)
class ScoredGeneration:
    """A score beside what was asked for."""

    score: GenerationScore
    prompt: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Foreign:
    """Scores by any embedder but one, of generations of a generator made in [start, end) and before `cursor`."""

    generator: str
    embedder_digest: str
    start: datetime
    end: datetime
    cursor: UUID | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        last = first_id_at(self.end)
        return [
            Score.generator == self.generator,
            Score.embedder_digest != self.embedder_digest,
            Score.generation_id >= first_id_at(self.start),
            Score.generation_id < (last if self.cursor is None else min(last, self.cursor)),
        ]


@dataclass(frozen=True)
class RecentHash:
    generation_id: UUID
    prompt: str
    hash: int


def waiting(session: Session, limit: int) -> list[Waiting]:
    """The oldest tasks. PostgreSQL locks them until the transaction ends, and passes over those others have locked."""
    query = (
        select(ToldSignals.document, GenerationRow)
        .select_from(ScoreTask)
        .join(GenerationRow, GenerationRow.id == ScoreTask.generation_id)
        .outerjoin(ToldSignals, ToldSignals.generation_id == ScoreTask.generation_id)
        .order_by(ScoreTask.generation_id)
        .limit(limit)
        .with_for_update(of=ScoreTask, skip_locked=True)
    )
    return [_waiting(row, document) for document, row in session.execute(query)]


def take(session: Session, generation_ids: Collection[UUID]) -> set[UUID]:
    """Remove tasks; returns those this transaction removed. Only who removes a task folds its score."""
    query = delete(ScoreTask).where(ScoreTask.generation_id.in_(generation_ids)).returning(ScoreTask.generation_id)
    return set(session.scalars(query))


def oldest_waiting(session: Session, generator: str) -> datetime | None:
    """When the longest waiting generation was made; None when all have been scored."""
    query = select(ScoreTask.generation_id).where(ScoreTask.generator == generator)
    oldest = session.scalar(query.order_by(ScoreTask.generation_id).limit(1))
    return made_at(oldest) if oldest else None


def oldest_of_all(session: Session) -> datetime | None:
    """When the longest waiting generation of any generator was made; None when all have been scored."""
    oldest = session.scalar(select(ScoreTask.generation_id).order_by(ScoreTask.generation_id).limit(1))
    return made_at(oldest) if oldest else None


def add(session: Session, scores: Sequence[GenerationScore]) -> None:
    session.add_all([_row(score) for score in scores])
    session.flush()


def scored_by_others(session: Session, where: Foreign, limit: int) -> list[Waiting]:
    """Generations that another embedder has scored, the newest first."""
    query = select(GenerationRow).join(Score, Score.generation_id == GenerationRow.id).where(*where.conditions)
    query = query.where(GenerationRow.image_key.is_not(None))  # of the others nothing is here to be looked at anew
    return [_waiting(row) for row in session.scalars(query.order_by(Score.generation_id.desc()).limit(limit))]


def count_scored_by_others(session: Session, where: Foreign) -> int:
    return session.scalar(select(func.count()).select_from(Score).where(*where.conditions)) or 0


def replace_foreign(session: Session, scores: Iterable[GenerationScore]) -> dict[UUID, GenerationScore]:
    """Put scores in the place of those of other embedders; returns those that took one's place, as they now stand.

    Whether an image is a near-duplicate is nothing that an embedder says: that stays.
    """
    replaced = {}
    for score in scores:
        query = update(Score).where(
            Score.generation_id == score.generation_id, Score.embedder_digest != score.embedder_digest
        )
        values = {name: getattr(_row(score), name) for name in _SEEN_BY_AN_EMBEDDER}
        row = session.execute(query.values(values).returning(Score.near_duplicate_of)).first()
        if row is not None:
            replaced[score.generation_id] = replace(score, near_duplicate_of=row.near_duplicate_of)
    return replaced


def recent_hashes(session: Session, generator: str, version: int, limit: int) -> list[RecentHash]:
    """Perceptual hashes of the newest scored generations of a version, the newest first."""
    query = (
        select(Score.generation_id, GenerationRow.prompt, Score.perceptual_hash)
        .join(GenerationRow, GenerationRow.id == Score.generation_id)
        .where(Score.generator == generator, Score.version == version, Score.perceptual_hash.is_not(None))
        .order_by(Score.generation_id.desc())
        .limit(limit)
    )
    rows = session.execute(query)
    return [RecentHash(identifier, prompt, int(text, 16)) for identifier, prompt, text in rows if text is not None]


def made_between(
    session: Session,
    generator: str,
    version: int,
    start: datetime,
    end: datetime,
    *,
    arms: Collection[str],
    embedder_digest: str,
    limit: int,
    part: Slice | None = None,
) -> list[ScoredGeneration]:
    """Scored generations made in a range of time, the newest first, at most `limit`; of one slice, where it is stored
    with the generation (a class of parameters is not: it is all traffic then)."""
    query = _between(generator, version, start, end, arms, embedder_digest).where(*_in_slice(generator, part))
    rows = session.execute(query.limit(limit))
    return [ScoredGeneration(stored_score(score), prompt, parameters) for score, prompt, parameters in rows]


def of_request(session: Session, request_id: UUID, *, embedder_digest: str) -> list[ScoredGeneration]:
    """Scored generations of one request, the newest first."""
    rows = session.execute(
        select(Score, GenerationRow.prompt, GenerationRow.parameters)
        .join(GenerationRow, GenerationRow.id == Score.generation_id)
        .where(GenerationRow.request_id == request_id, Score.embedder_digest == embedder_digest)
        .order_by(Score.generation_id.desc())
    )
    return [ScoredGeneration(stored_score(score), prompt, parameters) for score, prompt, parameters in rows]


def _between(
    generator: str, version: int, start: datetime, end: datetime, arms: Collection[str], embedder_digest: str
) -> Select[tuple[Score, str, dict[str, Any]]]:
    return (
        select(Score, GenerationRow.prompt, GenerationRow.parameters)
        .join(GenerationRow, GenerationRow.id == Score.generation_id)
        .where(
            Score.generator == generator,
            Score.version == version,
            Score.generation_id >= first_id_at(start),
            Score.generation_id < first_id_at(end),
            Score.embedder_digest == embedder_digest,
            GenerationRow.arm.in_(arms),
        )
        .order_by(Score.generation_id.desc())
    )


def _in_slice(generator: str, part: Slice | None) -> list[ColumnElement[bool]]:
    if part is None or part.attribute is SliceAttribute.PARAMETERS:
        return []
    column = getattr(GenerationRow, part.attribute.value)
    if part.value is not None:
        return [column == part.value]
    known = select(SliceRow.value).where(SliceRow.generator == generator, SliceRow.attribute == part.attribute.value)
    return [column.is_not(None), column.not_in(known)]


def _waiting(row: GenerationRow, told: dict[str, Any] | None = None) -> Waiting:
    return Waiting(
        generation_id=row.id,
        created_at=row.created_at,
        generator=row.generator,
        version=row.version,
        arm=row.arm,
        outcome=row.outcome,
        prompt=row.prompt,
        parameters=row.parameters,
        image_key=row.image_key,
        replica=row.replica,
        adapter=row.adapter,
        tenant=row.tenant,
        region=row.region,
        told=told,
    )


def _row(score: GenerationScore) -> Score:
    return Score(
        generation_id=score.generation_id,
        generator=score.generator,
        version=score.version,
        scored_at=score.scored_at,
        embedder_digest=score.embedder_digest,
        alignment=score.alignment,
        sharpness=score.sharpness,
        contrast=score.contrast,
        brightness=score.brightness,
        blank=score.blank,
        broken=score.broken,
        broken_reason=score.broken_reason,
        perceptual_hash=None if score.perceptual_hash is None else f"{score.perceptual_hash:016x}",
        near_duplicate_of=score.near_duplicate_of,
        prompt_truncated=score.prompt_truncated,
        image_embedding=_pack(score.image_embedding),
        prompt_embedding=_pack(score.prompt_embedding),
    )


def stored_score(row: Score) -> GenerationScore:
    """A score as it was kept."""
    return GenerationScore(
        generation_id=row.generation_id,
        generator=row.generator,
        version=row.version,
        scored_at=row.scored_at,
        embedder_digest=row.embedder_digest,
        alignment=row.alignment,
        sharpness=row.sharpness,
        contrast=row.contrast,
        brightness=row.brightness,
        blank=row.blank,
        broken_reason=row.broken_reason,
        perceptual_hash=None if row.perceptual_hash is None else int(row.perceptual_hash, 16),
        near_duplicate_of=row.near_duplicate_of,
        prompt_truncated=row.prompt_truncated,
        image_embedding=_unpack(row.image_embedding),
        prompt_embedding=_unpack(row.prompt_embedding),
    )


def _pack(vector: NDArray[np.float32] | None) -> bytes | None:
    return None if vector is None else vector.astype(_STORED).tobytes()


def _unpack(stored: bytes | None) -> NDArray[np.float32] | None:
    return None if stored is None else unpack(stored)


def unpack(stored: bytes) -> NDArray[np.float32]:
    """An embedding [d] as it was kept."""
    return np.frombuffer(stored, _STORED).astype(np.float32)
