"""Mergeable summaries of a bucket of time: lens sketches and sums of the scalar signals."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from safelight.store.slices import ALL
from safelight.store.tables.monitoring import SignalBucket, SketchBucket
from safelight.store.upsert import insert


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


@dataclass(frozen=True)
class SketchRange:
    """Buckets of one version seen through one baseline's lens, `start <= bucket < end`."""

    generator: str
    version: int
    arm: str
    baseline_id: UUID
    start: datetime
    end: datetime


@dataclass(frozen=True)
class StoredSketch:
    """`n` generations of one bucket and slice. It grows with every fold: equal sizes are equal payloads."""

    slice: str
    bucket_start: datetime
    n: int
    payload: bytes


def fold_sketch(
    session: Session, key: SketchKey, n: int, payload: bytes, merge: Callable[[bytes, bytes], bytes]
) -> None:
    """Add a serialised sketch of `n` generations to its bucket; the row stays locked until the transaction ends."""
    columns = {f.name: getattr(key, f.name) for f in fields(key)}
    fresh = insert(session, SketchBucket).values(**columns, n=n, payload=payload).on_conflict_do_nothing()
    # A bucket that was there a moment ago may have been rolled up into another by the time it is locked.
    while session.scalar(fresh.returning(SketchBucket.n)) is None:
        row = session.get(SketchBucket, tuple(columns.values()), with_for_update=True, populate_existing=True)
        if row is not None:
            row.n += n
            row.payload = merge(row.payload, payload)
            session.flush()
            return


def seen_through(session: Session, where: SketchRange) -> int:
    """How many generations were folded through a baseline's lens."""
    query = select(func.coalesce(func.sum(SketchBucket.n), 0)).where(
        SketchBucket.generator == where.generator,
        SketchBucket.version == where.version,
        SketchBucket.arm == where.arm,
        SketchBucket.baseline_id == where.baseline_id,
        SketchBucket.slice == ALL,
        SketchBucket.bucket_start >= where.start,
        SketchBucket.bucket_start < where.end,
    )
    return int(session.scalar(query) or 0)


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
    found = stored(session, SketchRange(generator, version, arm, baseline_id, start, end), (slice_name,))
    return [(each.bucket_start, each.payload) for each in found]


def stored(session: Session, where: SketchRange, slices: Collection[str] | None = None) -> list[StoredSketch]:
    """The oldest first, of the slices named or of all."""
    columns = SketchBucket.slice, SketchBucket.bucket_start, SketchBucket.n, SketchBucket.payload
    query = select(*columns).where(*_within(where, slices)).order_by(SketchBucket.bucket_start)
    return [StoredSketch(*row) for row in session.execute(query)]


def sizes(
    session: Session, where: SketchRange, slices: Collection[str] | None = None
) -> dict[tuple[str, datetime], int]:
    """How many generations each bucket holds, by slice and start; the payloads stay where they are."""
    query = select(SketchBucket.slice, SketchBucket.bucket_start, SketchBucket.n).where(*_within(where, slices))
    return {(name, moment): n for name, moment, n in session.execute(query)}


def _within(where: SketchRange, slices: Collection[str] | None) -> list[ColumnElement[bool]]:
    conditions = [
        SketchBucket.generator == where.generator,
        SketchBucket.version == where.version,
        SketchBucket.arm == where.arm,
        SketchBucket.baseline_id == where.baseline_id,
        SketchBucket.bucket_start >= where.start,
        SketchBucket.bucket_start < where.end,
    ]
    return conditions if slices is None else [*conditions, SketchBucket.slice.in_(slices)]


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
