"""Mergeable summaries of a bucket of time: lens sketches and sums of the scalar signals."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.store.tables.monitoring import SignalBucket, SketchBucket
from safelight.store.upsert import insert

ALL = "all"
"""The slice that holds all traffic."""


@dataclass(frozen=True, order=True)
class SketchKey:
    """Ordered, so that every worker folds its buckets in one order and none waits for another in a circle."""

    generator: str
    version: int
    arm: str
    baseline_id: UUID
    slice: str
    bucket_start: datetime


@dataclass(frozen=True, order=True)
class SignalKey:
    generator: str
    version: int
    arm: str
    embedder_digest: str
    bucket_start: datetime


@dataclass(frozen=True)
class SignalSums:
    """Counts and sums of `n` scored images. `broken` images have no pixels and are in no sum; `n` counts them too."""

    n: int = 0
    blank: int = 0
    broken: int = 0
    near_duplicates: int = 0
    alignment_sum: float = 0.0
    alignment_squares: float = 0.0
    sharpness_sum: float = 0.0
    contrast_sum: float = 0.0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True)
class SignalPoint:
    """One version's signals in one bucket."""

    bucket_start: datetime
    version: int
    sums: SignalSums


def fold_sketch(
    session: Session, key: SketchKey, n: int, payload: bytes, merge: Callable[[bytes, bytes], bytes]
) -> None:
    """Add a serialised sketch of `n` generations to its bucket; the row stays locked until the transaction ends."""
    columns = {f.name: getattr(key, f.name) for f in fields(key)}
    fresh = insert(session, SketchBucket).values(**columns, n=n, payload=payload).on_conflict_do_nothing()
    if session.scalar(fresh.returning(SketchBucket.n)) is not None:
        return
    row = session.get_one(SketchBucket, tuple(columns.values()), with_for_update=True, populate_existing=True)
    row.n += n
    row.payload = merge(row.payload, payload)
    session.flush()


def sketches(
    session: Session,
    generator: str,
    version: int,
    arm: str,
    baseline_id: UUID,
    start: datetime,
    end: datetime,
    slice_name: str = ALL,
) -> list[tuple[datetime, bytes]]:
    """Serialised sketches by the start of their bucket, `start <= bucket < end`, the oldest first."""
    query = (
        select(SketchBucket.bucket_start, SketchBucket.payload)
        .where(
            SketchBucket.generator == generator,
            SketchBucket.version == version,
            SketchBucket.arm == arm,
            SketchBucket.baseline_id == baseline_id,
            SketchBucket.slice == slice_name,
            SketchBucket.bucket_start >= start,
            SketchBucket.bucket_start < end,
        )
        .order_by(SketchBucket.bucket_start)
    )
    return [(moment, payload) for moment, payload in session.execute(query)]


def add_signals(session: Session, key: SignalKey, sums: SignalSums) -> None:
    """Add to a bucket's sums in one statement: no reader ever sees a half of it."""
    values = {f.name: getattr(sums, f.name) for f in fields(sums)}
    columns = {f.name: getattr(key, f.name) for f in fields(key)}
    statement = insert(session, SignalBucket).values(**columns, **values)
    added = {name: getattr(SignalBucket, name) + getattr(statement.excluded, name) for name in values}
    session.execute(statement.on_conflict_do_update(index_elements=list(columns), set_=added))


def signals(
    session: Session,
    generator: str,
    start: datetime,
    end: datetime,
    *,
    embedder_digest: str,
    arms: tuple[str, ...],
    version: int | None = None,
) -> list[SignalPoint]:
    """Signals by bucket and version, summed over the arms, the oldest first."""
    query = select(SignalBucket).where(
        SignalBucket.generator == generator,
        SignalBucket.embedder_digest == embedder_digest,
        SignalBucket.arm.in_(arms),
        SignalBucket.bucket_start >= start,
        SignalBucket.bucket_start < end,
    )
    if version is not None:
        query = query.where(SignalBucket.version == version)
    points: dict[tuple[datetime, int], SignalSums] = {}
    for row in session.scalars(query.order_by(SignalBucket.bucket_start, SignalBucket.version)):
        key = (row.bucket_start, row.version)
        points[key] = points.get(key, SignalSums()) + _sums(row)
    return [SignalPoint(moment, number, sums) for (moment, number), sums in points.items()]


def newest_embedder(session: Session, generator: str) -> str | None:
    """The embedder that scored the newest bucket; signals of two embedders are never mixed."""
    query = select(SignalBucket.embedder_digest).where(SignalBucket.generator == generator)
    return session.scalar(query.order_by(SignalBucket.bucket_start.desc()).limit(1))


def _sums(row: SignalBucket) -> SignalSums:
    return SignalSums(**{f.name: getattr(row, f.name) for f in fields(SignalSums)})
