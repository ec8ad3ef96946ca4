"""Merging the buckets of a past stretch of time into wider ones: what is read rarely need not be kept finely."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import CursorResult, delete, func, select, text
from sqlalchemy.orm import Session, class_mapper

from safelight.clock import bucket_start
from safelight.store.sketches import SketchKey, fold_sketch
from safelight.store.tables.ageing import FRESH, ROLLED_UP
from safelight.store.tables.feedback import FeedbackBucket
from safelight.store.tables.generations import TrafficBucket
from safelight.store.tables.monitoring import SignalBucket, SketchBucket
from safelight.store.upsert import insert

CountBucket: TypeAlias = SignalBucket | TrafficBucket | FeedbackBucket
Bucket = TypeVar("Bucket", bound=SketchBucket | CountBucket)
MergeAll = Callable[[Sequence[bytes]], bytes | None]
"""Serialised sketches of one lens added up; None where they cannot be read any more."""
_COUNTS: tuple[type[CountBucket], ...] = (TrafficBucket, SignalBucket, FeedbackBucket)


def oldest_due(session: Session, before: datetime) -> datetime | None:
    """The start of the oldest bucket before a moment that was not rolled up; None when all were."""
    found = [
        session.scalar(select(func.min(table.bucket_start)).where(text(FRESH), table.bucket_start < before))
        for table in (SketchBucket, *_COUNTS)
    ]
    return min((moment for moment in found if moment is not None), default=None)


def roll_up_sketches(session: Session, start: datetime, end: datetime, seconds: int, merge_all: MergeAll) -> int:
    """Merge sketches in [start, end) that were not rolled up into buckets `seconds` wide; returns how many there were.

    Each generation stays counted once: the rows that go and the one that stays change in one transaction. What comes
    late is folded into the wide bucket, or waits in a narrow one to be rolled up in its turn.
    """
    groups: dict[SketchKey, list[SketchBucket]] = defaultdict(list)
    for row in _due(session, SketchBucket, start, end):
        key = SketchKey(**{f.name: getattr(row, f.name) for f in fields(SketchKey)})
        groups[replace(key, bucket_start=bucket_start(key.bucket_start, seconds))].append(row)
    for key, rows in groups.items():
        payload = merge_all([row.payload for row in rows])
        if payload is None:  # of a lens that this release cannot read either: it is left as it is
            for row in rows:
                row.rolled_up = True
            continue
        n = sum(row.n for row in rows)
        for row in rows:
            session.delete(row)
        session.flush()
        fold_sketch(session, key, n, payload, lambda stored, fresh: merge_all([stored, fresh]) or stored)
        session.get_one(SketchBucket, tuple(vars(key).values()), populate_existing=True).rolled_up = True
    session.flush()
    return sum(map(len, groups.values()))


def roll_up_counts(session: Session, start: datetime, end: datetime, seconds: int) -> int:
    """The same for counts and sums: of traffic, of the scalar signals and of feedback."""
    return sum(_roll_up(session, table, start, end, seconds) for table in _COUNTS)


def forget_sketches(session: Session, before: datetime, width: timedelta) -> int:
    """Delete the oldest wide buckets before a moment, those of one `width` of time; returns how many there were."""
    oldest = session.scalar(
        select(func.min(SketchBucket.bucket_start)).where(text(ROLLED_UP), SketchBucket.bucket_start < before)
    )
    if oldest is None:
        return 0
    doomed = delete(SketchBucket).where(
        text(ROLLED_UP), SketchBucket.bucket_start >= oldest, SketchBucket.bucket_start < min(before, oldest + width)
    )
    gone: CursorResult[Any] = session.execute(doomed.execution_options(synchronize_session=False))  # type: ignore[assignment] # what a DELETE gives
    return gone.rowcount


def _roll_up(session: Session, table: type[Bucket], start: datetime, end: datetime, seconds: int) -> int:
    primary = [column.name for column in class_mapper(table).primary_key]
    counted = [each.key for each in class_mapper(table).column_attrs if each.key not in (*primary, "rolled_up")]
    groups: dict[tuple[Any, ...], list[Bucket]] = defaultdict(list)
    for row in _due(session, table, start, end):
        key = {name: getattr(row, name) for name in primary}
        key["bucket_start"] = bucket_start(row.bucket_start, seconds)
        groups[tuple(key.values())].append(row)
    for key_of_wide, rows in groups.items():
        values = {name: reduce(_plus, (getattr(row, name) for row in rows)) for name in counted}
        for row in rows:
            session.delete(row)
        session.flush()
        _add(session, table, dict(zip(primary, key_of_wide, strict=True)), values)
    session.flush()
    return sum(map(len, groups.values()))


def _add(session: Session, table: type[Bucket], key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """To a wide bucket, or as one."""
    known = {name: value for name, value in values.items() if value is not None}
    fresh = insert(session, table).values(**key, **known, rolled_up=True).on_conflict_do_nothing()
    if session.scalar(fresh.returning(table.bucket_start)) is not None:
        return
    bucket = session.get_one(table, tuple(key.values()), with_for_update=True, populate_existing=True)
    for name, value in known.items():
        setattr(bucket, name, _plus(getattr(bucket, name), value))
    bucket.rolled_up = True


def _plus(some: Any, more: Any) -> Any:
    """Sums of numbers, and of lists of them place by place; None is what nobody has counted."""
    if some is None or more is None:
        return more if some is None else some
    return [a + b for a, b in zip(some, more, strict=True)] if isinstance(some, list) else some + more


def _due(session: Session, table: type[Bucket], start: datetime, end: datetime) -> Sequence[Bucket]:
    """Locked, in the order in which those who count in them lock them."""
    query = select(table).where(text(FRESH), table.bucket_start >= start, table.bucket_start < end)
    return session.scalars(query.order_by(*class_mapper(table).primary_key).with_for_update()).all()
