"""All that one version did in a stretch of time, added up by the database: one row, however long the stretch."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from safelight.store.tables.feedback import FeedbackBucket
from safelight.store.tables.generations import TrafficBucket
from safelight.store.tables.monitoring import SignalBucket

_TRAFFIC = ("served", "filtered", "failed", "engine_ms_sum")
_SIGNALS = ("n", "blank", "broken", "near_duplicates")
_FEEDBACK = ("up", "down", "regenerated", "downloaded")


@dataclass(frozen=True)
class Totals:
    """Images by what became of them. Of those `served`, `scored` have been looked at; `broken` ones have no pixels.

    `engine_ms` is what all of them took on their devices.
    """

    served: int
    filtered: int
    failed: int
    scored: int
    blank: int
    broken: int
    near_duplicates: int
    up: int
    down: int
    regenerated: int
    downloaded: int
    engine_ms: int = 0

    @property
    def accepted(self) -> int:
        """Images that nobody has found fault with: neither the scorer nor who asked for them."""
        return max(0, self.served - self.blank - self.broken - self.down - self.regenerated)

    @property
    def any_feedback(self) -> bool:
        return self.up + self.down + self.regenerated + self.downloaded > 0


def totals(
    session: Session, generator: str, version: int, arm: str, embedder_digest: str, since: datetime, until: datetime
) -> Totals:
    """Of the buckets that start in [since, until)."""
    served, filtered, failed, engine_ms = _sums(session, TrafficBucket, _TRAFFIC, generator, version, arm, since, until)
    scored, blank, broken, near_duplicates = _sums(
        session, SignalBucket, _SIGNALS, generator, version, arm, since, until, embedder_digest
    )
    up, down, regenerated, downloaded = _sums(session, FeedbackBucket, _FEEDBACK, generator, version, arm, since, until)
    seen = (scored, blank, broken, near_duplicates)
    return Totals(served, filtered, failed, *seen, up, down, regenerated, downloaded, engine_ms)


def _sums(
    session: Session,
    table: type[TrafficBucket] | type[SignalBucket] | type[FeedbackBucket],
    columns: tuple[str, ...],
    generator: str,
    version: int,
    arm: str,
    since: datetime,
    until: datetime,
    embedder_digest: str | None = None,
) -> list[int]:
    query = select(*(func.coalesce(func.sum(getattr(table, column)), 0) for column in columns)).where(
        table.generator == generator,
        table.version == version,
        table.arm == arm,
        table.bucket_start >= since,
        table.bucket_start < until,
    )
    if embedder_digest is not None:
        query = query.where(SignalBucket.embedder_digest == embedder_digest)
    return [int(value) for value in session.execute(query).one()]
