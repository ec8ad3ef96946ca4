"""What a replay reads: requests that people made lately, and how far its own images have come."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from safelight.store.tables.generations import GenerationRow, ScoreTask


@dataclass(frozen=True)
class LoggedRequest:
    """What somebody asked for, and what the version that served it made of the parameters."""

    version: int
    prompt: str
    seed: int | None
    parameters: dict[str, Any]


@dataclass(frozen=True)
class ReplayStanding:
    """Images of a replay that are in the log, and those of them that wait for their scores."""

    logged: int
    waiting: int


def recent_requests(session: Session, generator: str, arm: str, limit: int) -> list[LoggedRequest]:
    """The newest requests that were served, the newest first."""
    query = (
        select(GenerationRow.version, GenerationRow.prompt, GenerationRow.seed, GenerationRow.parameters)
        .where(GenerationRow.generator == generator, GenerationRow.arm == arm, GenerationRow.outcome == "served")
        .order_by(GenerationRow.id.desc())
        .limit(limit)
    )
    return [LoggedRequest(*row) for row in session.execute(query)]


def standing(session: Session, request_id: UUID) -> ReplayStanding:
    """How far the images of a replay have come; each carries the replay's id as its request's."""
    mine = select(GenerationRow.id).where(GenerationRow.request_id == request_id)
    logged = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    tasks = select(func.count()).select_from(ScoreTask).where(ScoreTask.generation_id.in_(mine))
    return ReplayStanding(logged, session.scalar(tasks) or 0)
