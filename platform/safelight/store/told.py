"""What was seen of images where they were made: signals of single ones, and sketches of many."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from safelight.store.tables.generations import ScoreTask
from safelight.store.tables.ingest import MergedSketch, ToldSignals
from safelight.store.upsert import insert


@dataclass(frozen=True)
class Told:
    """The signals of one generation, and whose they are."""

    generator: str
    document: dict[str, Any]


def add(session: Session, signals: Mapping[UUID, Told]) -> None:
    """Have generations scored by what was told of them, also where their images came along."""
    if not signals:
        return
    documents = [{"generation_id": each, "document": told.document} for each, told in signals.items()]
    tasks = [{"generation_id": each, "generator": told.generator} for each, told in signals.items()]
    session.execute(insert(session, ToldSignals), documents)
    session.execute(insert(session, ScoreTask).on_conflict_do_nothing(), tasks)


def forget(session: Session, generation_ids: Collection[UUID]) -> None:
    """Their scores hold it from now on."""
    session.execute(delete(ToldSignals).where(ToldSignals.generation_id.in_(generation_ids)))


def claim_sketch(session: Session, identifier: UUID, generator: str, now: datetime) -> bool:
    """Whether this transaction is the one that adds the sketch; false where another has."""
    values = {"id": identifier, "generator": generator, "merged_at": now}
    statement = insert(session, MergedSketch).values(values).on_conflict_do_nothing().returning(MergedSketch.id)
    return session.scalar(statement) is not None


def forget_sketches(session: Session, before: datetime) -> None:
    """Of ids whose buckets are too old to be sent again."""
    session.execute(delete(MergedSketch).where(MergedSketch.merged_at < before))
