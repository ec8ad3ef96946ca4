"""Single generations that are made again: what was asked for, how far it has come, and what it showed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from safelight.errors import SafelightError, not_found
from safelight.ids import new_id
from safelight.store.scores import unpack
from safelight.store.tables.generations import Score
from safelight.store.tables.replays import ReplayRow


class ReplayState(StrEnum):
    LOADING = "loading"
    """Waiting for an engine to hold the version."""
    MAKING = "making"
    MADE = "made"
    """Waiting for its score."""
    JUDGED = "judged"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (ReplayState.JUDGED, ReplayState.FAILED)


_TO_BE_MADE = (ReplayState.LOADING.value, ReplayState.MAKING.value)


@dataclass(frozen=True, kw_only=True)
class KnownReplay:
    """`made_id` is the generation that came of it; `result` is empty until it is judged."""

    id: UUID
    generation_id: UUID
    generator: str
    version: int
    state: ReplayState
    made_id: UUID | None
    result: dict[str, Any]
    error_code: str | None
    error: str
    ordered_at: datetime
    ordered_by: str
    made_at: datetime | None
    finished_at: datetime | None


def order(
    session: Session, *, generation_id: UUID, generator: str, version: int, actor: str, now: datetime
) -> KnownReplay:
    row = ReplayRow(
        id=new_id(),
        generation_id=generation_id,
        generator=generator,
        version=version,
        state=ReplayState.LOADING.value,
        result={},
        ordered_at=now,
        ordered_by=actor,
    )
    session.add(row)
    session.flush()
    return _known(row)


def get(session: Session, replay_id: UUID) -> KnownReplay:
    """Raises `replay_not_found`."""
    row = session.get(ReplayRow, replay_id, populate_existing=True)
    if row is None:
        raise not_found("replay", replay_id)
    return _known(row)


def of_generation(session: Session, generation_id: UUID, limit: int = 50) -> list[KnownReplay]:
    """The newest first."""
    query = select(ReplayRow).where(ReplayRow.generation_id == generation_id).order_by(ReplayRow.id.desc())
    return [_known(row) for row in session.scalars(query.limit(limit))]


def to_be_made(session: Session, limit: int = 100) -> list[KnownReplay]:
    """The oldest first."""
    return _in_states(session, _TO_BE_MADE, limit)


def to_be_judged(session: Session, limit: int = 100) -> list[KnownReplay]:
    """The oldest first."""
    return _in_states(session, (ReplayState.MADE.value,), limit)


def to_be_held(session: Session) -> list[tuple[str, int]]:
    """The version, by generator, that the oldest replay needs loaded: one at a time, for each takes memory."""
    return [(each.generator, each.version) for each in to_be_made(session, limit=1)]


def take(session: Session, replay_id: UUID, by: str, now: datetime, until: datetime) -> bool:
    """Make it until then, unless somebody else does."""
    free = or_(ReplayRow.held_until.is_(None), ReplayRow.held_until <= now, ReplayRow.holder == by)
    statement = (
        update(ReplayRow)
        .where(ReplayRow.id == replay_id, ReplayRow.state.in_(_TO_BE_MADE), free)
        .values(state=ReplayState.MAKING.value, holder=by, held_until=until)
    )
    return session.scalar(statement.returning(ReplayRow.id)) is not None


def made(session: Session, replay_id: UUID, made_id: UUID, now: datetime) -> None:
    _change(session, replay_id, state=ReplayState.MADE.value, made_id=made_id, made_at=now)


def judged(session: Session, replay_id: UUID, result: dict[str, Any], now: datetime) -> None:
    _change(session, replay_id, state=ReplayState.JUDGED.value, result=result, finished_at=now)


def fail(session: Session, replay_id: UUID, error: SafelightError, now: datetime) -> None:
    _change(
        session,
        replay_id,
        state=ReplayState.FAILED.value,
        error_code=error.code,
        error=error.message,
        finished_at=now,
    )


def embeddings(
    session: Session, identifiers: Collection[UUID], embedder_digest: str
) -> dict[UUID, NDArray[np.float32]]:
    """Unit vectors [d] of the images that one embedder has scored."""
    query = select(Score.generation_id, Score.image_embedding).where(
        Score.generation_id.in_(identifiers),
        Score.embedder_digest == embedder_digest,
        Score.image_embedding.is_not(None),
    )
    return {identifier: unpack(stored) for identifier, stored in session.execute(query) if stored is not None}


def _in_states(session: Session, states: Collection[str], limit: int) -> list[KnownReplay]:
    return [_known(row) for row in session.scalars(_oldest(frozenset(states), limit))]


@cache  # making it takes longer than it does to be answered, and every API process asks all the time
def _oldest(states: frozenset[str], limit: int) -> Select[ReplayRow]:
    return select(ReplayRow).where(ReplayRow.state.in_(states)).order_by(ReplayRow.id).limit(limit)


def _change(session: Session, replay_id: UUID, **values: Any) -> None:
    session.execute(update(ReplayRow).where(ReplayRow.id == replay_id).values(held_until=None, **values))


def _known(row: ReplayRow) -> KnownReplay:
    return KnownReplay(
        id=row.id,
        generation_id=row.generation_id,
        generator=row.generator,
        version=row.version,
        state=ReplayState(row.state),
        made_id=row.made_id,
        result=row.result,
        error_code=row.error_code,
        error=row.error,
        ordered_at=row.ordered_at,
        ordered_by=row.ordered_by,
        made_at=row.made_at,
        finished_at=row.finished_at,
    )
