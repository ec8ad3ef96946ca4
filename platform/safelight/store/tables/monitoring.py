"""Baselines, sketches, monitors and their verdicts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base, BigKey
from safelight.store.tables.ageing import index_not_rolled_up, index_rolled_up


class Baseline(Base):
    """A named, immutable reference: a lens and what it was fitted on."""

    __tablename__ = "baselines"
    __table_args__ = (UniqueConstraint("generator", "name"), Index(None, "generator", "version"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(32))
    embedder_digest: Mapped[str] = mapped_column(String(80))
    n: Mapped[int]
    blank: Mapped[int]
    data_from: Mapped[datetime | None]
    data_to: Mapped[datetime | None]
    lens: Mapped[bytes]
    lens_digest: Mapped[str] = mapped_column(String(80))
    scalars: Mapped[bytes]
    topics: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class BaselineJob(Base):
    """A baseline that is being made. `open_name` is its name until it has ended: one at a time makes it."""

    __tablename__ = "baseline_jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        CheckConstraint("phase IN ('loading', 'generating', 'scoring', 'fitting')", name="phase"),
        UniqueConstraint("generator", "open_name"),
        Index(None, "generator", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"))
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    open_name: Mapped[str | None] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(32))
    data_from: Mapped[datetime | None]
    data_to: Mapped[datetime | None]
    prompts: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[str] = mapped_column(String(16))
    phase: Mapped[str] = mapped_column(String(16))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str] = mapped_column(String(100), default="")
    held_until: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str] = mapped_column(Text, default="")
    baseline_id: Mapped[UUID | None] = mapped_column(ForeignKey("baselines.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    phase_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class SketchBucket(Base):
    """A mergeable summary of one bucket of time and one slice of the traffic, seen through one baseline's lens."""

    __tablename__ = "sketches"
    __table_args__ = (index_not_rolled_up("sketches"), index_rolled_up("sketches"))

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    arm: Mapped[str] = mapped_column(String(16), primary_key=True)
    baseline_id: Mapped[UUID] = mapped_column(ForeignKey("baselines.id"), primary_key=True)
    slice: Mapped[str] = mapped_column(String(120), primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    n: Mapped[int]
    payload: Mapped[bytes]
    rolled_up: Mapped[bool] = mapped_column(default=False)


class SignalBucket(Base):
    """Sums of the scalar signals of one bucket of time, for charts and the blank rate."""

    __tablename__ = "signal_buckets"
    __table_args__ = (index_not_rolled_up("signal_buckets"),)

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    arm: Mapped[str] = mapped_column(String(16), primary_key=True)
    embedder_digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(default=0)
    blank: Mapped[int] = mapped_column(default=0)
    broken: Mapped[int] = mapped_column(default=0)
    near_duplicates: Mapped[int] = mapped_column(default=0)
    alignment_sum: Mapped[float] = mapped_column(default=0.0)
    alignment_squares: Mapped[float] = mapped_column(default=0.0)
    sharpness_sum: Mapped[float] = mapped_column(default=0.0)
    contrast_sum: Mapped[float] = mapped_column(default=0.0)
    rolled_up: Mapped[bool] = mapped_column(default=False)


class SliceRow(Base):
    """A part of a generator's traffic that is looked at alone. Its rows are few, and so are the slices."""

    __tablename__ = "slices"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    attribute: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(100), primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class SliceStanding(Base):
    """What a monitor found of one slice at its newest tick; the next tick replaces it."""

    __tablename__ = "slice_standings"
    __table_args__ = (CheckConstraint("health IN ('healthy', 'degraded', 'inconclusive', 'error')", name="health"),)

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    monitor: Mapped[str] = mapped_column(String(100), primary_key=True)
    slice: Mapped[str] = mapped_column(String(120), primary_key=True)
    slot: Mapped[datetime]
    version: Mapped[int]
    health: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(64))
    summary: Mapped[str] = mapped_column(Text)
    n: Mapped[int]
    unseen: Mapped[int]
    effect: Mapped[float | None]
    detectable_effect: Mapped[float | None]
    p_value: Mapped[float | None]
    threshold: Mapped[float | None]
    window_seconds: Mapped[float | None]


class BackfillRow(Base):
    """Scoring stored images anew with another embedder, the newest first; `cursor` is the last one looked at."""

    __tablename__ = "backfills"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done', 'cancelled')", name="state"),
        Index(None, "generator", "id"),
        Index(
            "ix_backfills_running",
            "id",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    embedder_digest: Mapped[str] = mapped_column(String(80))
    data_from: Mapped[datetime]
    data_to: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)
    cursor: Mapped[UUID | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    finished_at: Mapped[datetime | None]


class MonitorRow(Base):
    """A scheduled question with a false-alarm budget."""

    __tablename__ = "monitors"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    document: Mapped[dict[str, Any]]
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class MonitorSlot(Base):
    """How one tick ended. Its key is unique: only who inserts the row may keep the tick's verdicts."""

    __tablename__ = "monitor_slots"
    __table_args__ = (CheckConstraint("state IN ('done', 'failed', 'missed')", name="state"),)

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16))
    recorded_at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(Text, default="")


class VerdictRow(Base):
    """A monitor's answer at one tick, or at so many `ticks` in a row of which this was the last."""

    __tablename__ = "verdicts"
    __table_args__ = (
        CheckConstraint("health IN ('healthy', 'degraded', 'inconclusive', 'error')", name="health"),
        UniqueConstraint("generator", "monitor", "slot"),
        Index(None, "generator", "monitor", "id"),
        index_not_rolled_up("verdicts", "slot"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    generator: Mapped[str] = mapped_column(String(100))
    monitor: Mapped[str] = mapped_column(String(100))
    critical: Mapped[bool]
    version: Mapped[int | None]
    slot: Mapped[datetime]
    health: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(64))
    summary: Mapped[str] = mapped_column(Text)
    n: Mapped[int]
    effect: Mapped[float | None]
    p_value: Mapped[float | None]
    threshold: Mapped[float | None]
    window_seconds: Mapped[float | None]
    evidence: Mapped[dict[str, Any]]
    ticks: Mapped[int] = mapped_column(default=1)
    rolled_up: Mapped[bool] = mapped_column(default=False)
