"""What people made of their images, one word a person and image, and its counts by bucket of time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from safelight.store.tables.feedback import FeedbackBucket, FeedbackRow
from safelight.store.upsert import insert


class FeedbackKind(StrEnum):
    """A vote, or what somebody did with the image."""

    UP = "up"
    DOWN = "down"
    REGENERATED = "regenerated"
    DOWNLOADED = "downloaded"


_OPPOSITE = {FeedbackKind.UP: FeedbackKind.DOWN, FeedbackKind.DOWN: FeedbackKind.UP}


@dataclass(frozen=True)
class FeedbackKey:
    """The bucket an image counts in: that of the moment it was made, not of the moment it was judged."""

    generator: str
    version: int
    arm: str
    bucket_start: datetime


@dataclass(frozen=True)
class FeedbackPoint:
    """How many images of one bucket drew each kind of feedback."""

    bucket_start: datetime
    up: int
    down: int
    regenerated: int
    downloaded: int


def give(
    session: Session,
    generation_id: UUID,
    rater: str,
    kind: FeedbackKind,
    now: datetime,
    counted_in: FeedbackKey | None,
) -> None:
    """Keep one person's word. A thumb up takes back the same person's thumb down; the same word twice changes nothing.

    The image's bucket follows, each kind counted once however many people agree; None leaves the counts alone.
    """
    bucket = _locked(session, counted_in) if counted_in else None
    before = set(of_generation(session, generation_id))
    if kind in _OPPOSITE:
        session.execute(
            delete(FeedbackRow).where(
                FeedbackRow.generation_id == generation_id,
                FeedbackRow.rater == rater,
                FeedbackRow.kind == _OPPOSITE[kind],
            )
        )
    row = {"generation_id": generation_id, "rater": rater, "kind": kind, "at": now}
    session.execute(insert(session, FeedbackRow).values(row).on_conflict_do_nothing())
    if bucket is None:
        return
    after = set(of_generation(session, generation_id))
    for changed, by in ((after - before, 1), (before - after, -1)):
        for each in changed:
            setattr(bucket, each, getattr(bucket, each) + by)
    session.flush()


def of_generation(session: Session, generation_id: UUID) -> dict[FeedbackKind, int]:
    """How many people gave each kind of feedback on one image."""
    query = (
        select(FeedbackRow.kind, func.count())
        .where(FeedbackRow.generation_id == generation_id)
        .group_by(FeedbackRow.kind)
    )
    return {FeedbackKind(kind): count for kind, count in session.execute(query)}


def between(
    session: Session, generator: str, version: int, arm: str, since: datetime, until: datetime
) -> list[FeedbackPoint]:
    """The buckets that start in [since, until), oldest first; those without any feedback are left out."""
    query = (
        select(FeedbackBucket)
        .where(
            FeedbackBucket.generator == generator,
            FeedbackBucket.version == version,
            FeedbackBucket.arm == arm,
            FeedbackBucket.bucket_start >= since,
            FeedbackBucket.bucket_start < until,
        )
        .order_by(FeedbackBucket.bucket_start)
    )
    return [
        FeedbackPoint(row.bucket_start, row.up, row.down, row.regenerated, row.downloaded)
        for row in session.scalars(query)
    ]


def _locked(session: Session, key: FeedbackKey) -> FeedbackBucket:
    """The bucket's row, made if need be; whoever else counts in it waits until the transaction ends."""
    columns = {
        "generator": key.generator,
        "version": key.version,
        "arm": key.arm,
        "bucket_start": key.bucket_start,
    }
    session.execute(
        insert(session, FeedbackBucket).values(columns | dict.fromkeys(FeedbackKind, 0)).on_conflict_do_nothing()
    )
    return session.get_one(FeedbackBucket, tuple(columns.values()), with_for_update=True, populate_existing=True)
