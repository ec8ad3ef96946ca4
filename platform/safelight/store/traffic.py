"""Counts of generations by bucket of time: what rates, latency and charts are read from."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.store.tables import TrafficBucket
from safelight.store.upsert import insert

# Upper bounds of the latency classes, eight a decade from 10 ms to over nine minutes: a percentile read from them is
# within 34 % of the true one. One more class holds what is slower. Stored counts mean these bounds: never change them.
LATENCY_BOUNDS_MS = tuple(round(10 ** (1 + step / 8), 1) for step in range(39))
LATENCY_CLASSES = len(LATENCY_BOUNDS_MS) + 1


@dataclass(frozen=True)
class Traffic:
    """What one version did on one arm in one bucket of time. Latency is that of served generations.

    Those `unlogged` were served too, while the journal could not write: nothing else is known of them.
    """

    generator: str
    version: int
    arm: str
    bucket_start: datetime
    served: int
    filtered: int
    failed: int
    cancelled: int
    latency_counts: tuple[int, ...]
    engine_ms_sum: float
    unlogged: int = 0
    queue_counts: tuple[int, ...] = (0,) * LATENCY_CLASSES
    """Served generations by how long they waited for an engine, as far as whoever made them has said."""

    @classmethod
    def of_unlogged(cls, generator: str, version: int, arm: str, start: datetime, count: int) -> Self:
        return cls(generator, version, arm, start, 0, 0, 0, 0, (0,) * LATENCY_CLASSES, 0.0, count)

    @property
    def key(self) -> tuple[str, int, str, datetime]:
        return self.generator, self.version, self.arm, self.bucket_start


def latency_class(milliseconds: float) -> int:
    """The index in `latency_counts` of a generation that took this long."""
    return bisect_left(LATENCY_BOUNDS_MS, milliseconds)


def add(session: Session, increments: Iterable[Traffic]) -> None:
    """Adds counts to their buckets. Several processes may do so at once."""
    # In one order everywhere, so that two transactions cannot wait for each other's rows.
    for more in sorted(increments, key=lambda increment: increment.key):
        bucket = _locked(session, more)
        bucket.served += more.served
        bucket.filtered += more.filtered
        bucket.failed += more.failed
        bucket.cancelled += more.cancelled
        bucket.latency_counts = [a + b for a, b in zip(bucket.latency_counts, more.latency_counts, strict=True)]
        bucket.queue_counts = [a + b for a, b in zip(_counts(bucket.queue_counts), more.queue_counts, strict=True)]
        bucket.engine_ms_sum += more.engine_ms_sum
        bucket.unlogged += more.unlogged
    session.flush()


def _locked(session: Session, more: Traffic) -> TrafficBucket:
    generator, version, arm, start = more.key
    empty = {"generator": generator, "version": version, "arm": arm, "bucket_start": start}
    fresh = insert(session, TrafficBucket).values(empty | {"latency_counts": [0] * LATENCY_CLASSES})
    # A bucket that was there a moment ago may have been rolled up into another by the time it is locked.
    while True:
        session.execute(fresh.on_conflict_do_nothing())
        bucket = session.get(TrafficBucket, more.key, with_for_update=True, populate_existing=True)
        if bucket is not None:
            return bucket


def between(session: Session, generator: str, since: datetime, until: datetime) -> list[Traffic]:
    """The buckets that start in [since, until), oldest first."""
    query = (
        select(TrafficBucket)
        .where(
            TrafficBucket.generator == generator,
            TrafficBucket.bucket_start >= since,
            TrafficBucket.bucket_start < until,
        )
        .order_by(TrafficBucket.bucket_start, TrafficBucket.version, TrafficBucket.arm)
    )
    return [_traffic(row) for row in session.scalars(query)]


def _traffic(row: TrafficBucket) -> Traffic:
    return Traffic(
        generator=row.generator,
        version=row.version,
        arm=row.arm,
        bucket_start=row.bucket_start,
        served=row.served,
        filtered=row.filtered,
        failed=row.failed,
        cancelled=row.cancelled,
        latency_counts=tuple(row.latency_counts),
        engine_ms_sum=row.engine_ms_sum,
        unlogged=row.unlogged,
        queue_counts=_counts(row.queue_counts),
    )


def _counts(stored: list[int] | None) -> tuple[int, ...]:
    """None in buckets of a release that did not count."""
    return tuple(stored) if stored is not None else (0,) * LATENCY_CLASSES
