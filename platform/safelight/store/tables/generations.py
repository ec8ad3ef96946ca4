"""Generations, what they ran on, and their scores."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base
from safelight.store.tables.ageing import index_not_rolled_up


def _of_whom(column: str) -> Index:
    """Finds all of one user, to forget them."""
    named = text(f"{column} IS NOT NULL")
    return Index(None, column, "id", postgresql_where=named, sqlite_where=named)


def _of_part(column: str) -> Index:
    """Finds the newest of one part of a generator's traffic; who names no such parts pays nothing for it."""
    named = text(f"{column} IS NOT NULL")
    return Index(None, "generator", column, "id", postgresql_where=named, sqlite_where=named)


OWN_ARMS = "arm IN ('probe', 'replay')"
"""What nobody asked for but we. As it stands, for a partial index is used by whoever says the same."""


class Environment(Base):
    """What a bundle ran on: host, device, driver, library versions."""

    __tablename__ = "environments"

    digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    details: Mapped[dict[str, Any]]
    first_seen_at: Mapped[datetime]


class GenerationRow(Base):
    """One image made and logged. On PostgreSQL partitioned by range of `id`, a UUIDv7: by time."""

    __tablename__ = "generations"
    __table_args__ = (
        CheckConstraint("outcome IN ('served', 'filtered', 'failed', 'cancelled')", name="outcome"),
        CheckConstraint("arm IN ('stable', 'canary', 'shadow', 'probe', 'replay')", name="arm"),
        CheckConstraint("source IN ('engine', 'ingest', 'import')", name="source"),
        Index(None, "generator", "id"),
        Index(None, "generator", "version", "id"),
        *(_of_part(name) for name in ("replica", "adapter", "tenant", "region")),
        *(_of_whom(name) for name in ("end_user", "tenant", "api_key_id")),
        # Finds what we made ourselves of a prompt. Hashed, for a tree takes no key as long as a prompt may be.
        Index(None, "prompt", postgresql_using="hash", postgresql_where=text(OWN_ARMS), sqlite_where=text(OWN_ARMS)),
        Index(None, "request_id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    bundle_digest: Mapped[str] = mapped_column(String(80))
    environment_digest: Mapped[str | None] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(16))
    arm: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[UUID]
    api_key_id: Mapped[UUID | None]
    replica: Mapped[str | None] = mapped_column(String(100))
    adapter: Mapped[str | None] = mapped_column(String(100))
    tenant: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(100))
    end_user: Mapped[str | None] = mapped_column(String(200))
    prompt: Mapped[str] = mapped_column(Text)
    final_prompt: Mapped[str | None] = mapped_column(Text)
    seed: Mapped[int | None] = mapped_column(BigInteger)
    parameters: Mapped[dict[str, Any]]
    envelope: Mapped[dict[str, Any]]
    queue_ms: Mapped[float | None]
    engine_ms: Mapped[float | None]
    total_ms: Mapped[float | None]
    image_key: Mapped[str | None] = mapped_column(String(200))
    thumbnail_key: Mapped[str | None] = mapped_column(String(200))
    image_sha256: Mapped[str | None] = mapped_column(String(64))


class ScoreTask(Base):
    """A logged image that is waiting to be scored. The row goes in the transaction that folds its score."""

    __tablename__ = "score_tasks"

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))


class Score(Base):
    """The signals of one generation, under one embedder."""

    __tablename__ = "scores"
    __table_args__ = (
        Index(None, "generator", "version", "alignment"),
        Index(None, "generator", "version", "generation_id"),
    )

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    scored_at: Mapped[datetime]
    embedder_digest: Mapped[str] = mapped_column(String(80))
    alignment: Mapped[float | None]
    sharpness: Mapped[float | None]
    contrast: Mapped[float | None]
    brightness: Mapped[float | None]
    blank: Mapped[bool]
    broken: Mapped[bool]
    broken_reason: Mapped[str | None] = mapped_column(String(32))
    perceptual_hash: Mapped[str | None] = mapped_column(String(16))
    near_duplicate_of: Mapped[UUID | None]
    prompt_truncated: Mapped[bool]
    image_embedding: Mapped[bytes | None]
    prompt_embedding: Mapped[bytes | None]


class TrafficBucket(Base):
    """Counts of one minute's generations, written with them: what rates and latency are read from."""

    __tablename__ = "traffic_buckets"
    __table_args__ = (index_not_rolled_up("traffic_buckets"),)

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    arm: Mapped[str] = mapped_column(String(16), primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    served: Mapped[int] = mapped_column(default=0)
    filtered: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    cancelled: Mapped[int] = mapped_column(default=0)
    latency_counts: Mapped[list[Any]]
    queue_counts: Mapped[list[Any] | None]
    engine_ms_sum: Mapped[float] = mapped_column(default=0.0)
    unlogged: Mapped[int] = mapped_column(default=0)
    rolled_up: Mapped[bool] = mapped_column(default=False)
