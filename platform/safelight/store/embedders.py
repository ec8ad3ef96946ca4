"""What the workers look at images with."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.store.tables.ingest import EmbedderInUse
from safelight.store.upsert import insert


@dataclass(frozen=True)
class KnownEmbedder:
    """`dimensions` are those of its vectors."""

    digest: str
    dimensions: int


def note(session: Session, embedder: KnownEmbedder, now: datetime) -> None:
    """Say that a worker looks with this one."""
    values = {"digest": embedder.digest, "dimensions": embedder.dimensions, "seen_at": now}
    statement = insert(session, EmbedderInUse).values(values)
    session.execute(statement.on_conflict_do_update(index_elements=["digest"], set_={"seen_at": now}))


def in_use(session: Session) -> KnownEmbedder | None:
    """The one that a worker noted last; None before the first worker has started."""
    row = session.scalars(select(EmbedderInUse).order_by(EmbedderInUse.seen_at.desc()).limit(1)).first()
    return None if row is None else KnownEmbedder(row.digest, row.dimensions)
