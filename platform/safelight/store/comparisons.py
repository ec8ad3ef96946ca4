"""Reading two versions side by side: a sample of each, spread over a range of time, and the time their engines took."""

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from safelight.ids import first_id_at, made_at
from safelight.store.scores import unpack
from safelight.store.tables.generations import GenerationRow, Score

_STRETCHES = 10
_Query: TypeAlias = "Select[Score, str, float | None]"


@dataclass(frozen=True, eq=False)
class Sampled:
    """One scored generation. Of a blank or broken image there are no signals and no vectors."""

    id: UUID
    prompt: str
    total_ms: float | None
    alignment: float | None
    image: NDArray[np.float32] | None
    prompt_vector: NDArray[np.float32] | None


def sampled(
    session: Session,
    generator: str,
    version: int,
    start: datetime,
    end: datetime,
    *,
    arms: Collection[str],
    embedder_digest: str,
    limit: int,
) -> list[Sampled]:
    """At most `limit` scored generations: the newest of each of ten equal stretches between the first and the last, and
    where that leaves room, the newest of all."""
    matching = (
        Score.generator == generator,
        Score.version == version,
        Score.generation_id >= first_id_at(start),
        Score.generation_id < first_id_at(end),
        Score.embedder_digest == embedder_digest,
    )
    first = session.scalar(select(Score.generation_id).where(*matching).order_by(Score.generation_id).limit(1))
    if first is None:
        return []
    newest = _newest(arms, matching)
    found = {row.id: row for row in _read(session, newest.limit(limit // _STRETCHES))}
    last = max(found, default=first)
    stretch = (made_at(last) - made_at(first)) / _STRETCHES
    for index in range(1, _STRETCHES):
        older = newest.where(Score.generation_id < first_id_at(made_at(last) - index * stretch))
        found |= {row.id: row for row in _read(session, older.limit(limit // _STRETCHES))}
    lacking = limit - len(found)
    if lacking > 0:
        # The newest of them may be known already: as many more are asked for.
        found |= {row.id: row for row in islice(_unknown(_read(session, newest.limit(limit)), found), lacking)}
    return list(found.values())


def _newest(arms: Collection[str], matching: tuple[ColumnElement[bool], ...]) -> _Query:
    return (
        select(Score, GenerationRow.prompt, GenerationRow.total_ms)
        .join(GenerationRow, GenerationRow.id == Score.generation_id)
        .where(*matching, GenerationRow.arm.in_(arms))
        .order_by(Score.generation_id.desc())
    )


def _read(session: Session, query: _Query) -> Iterator[Sampled]:
    return (_sampled(score, prompt, total_ms) for score, prompt, total_ms in session.execute(query))


def _unknown(rows: Iterable[Sampled], known: Container[UUID]) -> Iterator[Sampled]:
    return (row for row in rows if row.id not in known)


def _sampled(score: Score, prompt: str, total_ms: float | None) -> Sampled:
    shown = not score.blank and not score.broken
    image, words = score.image_embedding, score.prompt_embedding
    return Sampled(
        id=score.generation_id,
        prompt=prompt,
        total_ms=total_ms,
        alignment=score.alignment if shown else None,
        image=unpack(image) if shown and image is not None else None,
        prompt_vector=unpack(words) if shown and words is not None else None,
    )
