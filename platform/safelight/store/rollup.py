"""Merging the buckets of a past stretch of time into wider ones: what is read rarely need not be kept finely."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import reduce
from operator import add
from typing import TypeVar

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from safelight.clock import bucket_start
from safelight.store.sketches import SignalKey, SignalSums, SketchKey, add_signals, fold_sketch
from safelight.store.tables.monitoring import SignalBucket, SketchBucket

Bucket = TypeVar("Bucket", SketchBucket, SignalBucket)
Key = TypeVar("Key", SketchKey, SignalKey)
MergeAll = Callable[[Sequence[bytes]], bytes | None]
"""Serialised sketches of one lens added up; None where they cannot be read any more."""


def oldest_due(session: Session, before: datetime) -> datetime | None:
    """The start of the oldest bucket before a moment that was not rolled up; None when all were."""
    found = [
        session.scalar(select(func.min(table.bucket_start)).where(~table.rolled_up, table.bucket_start < before))
        for table in (SketchBucket, SignalBucket)
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
        groups[_widened(key, seconds)].append(row)
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


def roll_up_signals(session: Session, start: datetime, end: datetime, seconds: int) -> int:
    """The same for the sums of the scalar signals."""
    groups: dict[SignalKey, list[SignalBucket]] = defaultdict(list)
    for row in _due(session, SignalBucket, start, end):
        key = SignalKey(**{f.name: getattr(row, f.name) for f in fields(SignalKey)})
        groups[_widened(key, seconds)].append(row)
    for key, rows in groups.items():
        sums = reduce(add, (SignalSums(**{f.name: getattr(row, f.name) for f in fields(SignalSums)}) for row in rows))
        for row in rows:
            session.delete(row)
        session.flush()
        add_signals(session, key, sums)
        session.get_one(SignalBucket, tuple(vars(key).values()), populate_existing=True).rolled_up = True
    session.flush()
    return sum(map(len, groups.values()))


def _due(session: Session, table: type[Bucket], start: datetime, end: datetime) -> Sequence[Bucket]:
    """Locked, in the order in which scorers lock them."""
    query = select(table).where(~table.rolled_up, table.bucket_start >= start, table.bucket_start < end)
    return session.scalars(query.order_by(*inspect(table).primary_key).with_for_update()).all()


def _widened(key: Key, seconds: int) -> Key:
    return replace(key, bucket_start=bucket_start(key.bucket_start, seconds))
