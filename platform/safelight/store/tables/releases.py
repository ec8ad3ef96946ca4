"""Generators, versions, the release ledger and the engines that carry it out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class Generator(Base):
    """A named text-to-image product."""

    __tablename__ = "generators"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class VersionRow(Base):
    """What the page and the gateway need of a version; MLflow's registry remains its home."""

    __tablename__ = "versions"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(80))
    manifest: Mapped[dict[str, Any]]
    description: Mapped[str] = mapped_column(Text, default="")
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(String(100))
    gone_at: Mapped[datetime | None]


class CheckpointRow(Base):
    """What a checkpoint's folder holds, file by file; recorded when it was registered from a folder."""

    __tablename__ = "checkpoints"

    digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    files: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]


class LedgerEntry(Base):
    """One link of the append-only, hash-chained record of what should serve."""

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("hash"),
        Index(None, "generator", "scope", "at"),
        # When a version was last put in place or accepted, and when it was last left.
        Index(None, "generator", "scope", "to_version", "kind", "seq"),
        Index(None, "generator", "scope", "from_version", "kind", "seq"),
    )

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    scope: Mapped[str] = mapped_column(String(100), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    from_version: Mapped[int | None]
    to_version: Mapped[int]
    to_digest: Mapped[str] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    incident_id: Mapped[str | None] = mapped_column(String(36))
    at: Mapped[datetime]
    prev_hash: Mapped[str] = mapped_column(String(80))
    hash: Mapped[str] = mapped_column(String(80))


class Release(Base):
    """One change of what serves, and how far it has come."""

    __tablename__ = "releases"
    __table_args__ = (Index(None, "generator", "id"), Index(None, "generator", "ledger_seq"), Index(None, "state"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    from_version: Mapped[int | None]
    to_version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    incident_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    ledger_seq: Mapped[int | None]


class ReleaseStep(Base):
    """A step of a release as it happened; never changed afterwards."""

    __tablename__ = "release_steps"

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class EngineRow(Base):
    """A process that holds one version loaded; its host keeps the row fresh."""

    __tablename__ = "engines"
    __table_args__ = (
        CheckConstraint("state IN ('starting', 'standby', 'ready', 'draining', 'failed', 'stopped')", name="state"),
        CheckConstraint("residency IN ('device', 'host', 'disk')", name="residency"),
        Index(None, "generator", "version", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    host: Mapped[str] = mapped_column(String(100))
    pid: Mapped[int | None]
    url: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text, default="")
    environment_digest: Mapped[str | None] = mapped_column(String(80))
    spare: Mapped[bool] = mapped_column(server_default=false())
    residency: Mapped[str] = mapped_column(String(16), server_default="device")
    host_bytes: Mapped[int | None] = mapped_column(BigInteger)
    device_bytes: Mapped[int | None] = mapped_column(BigInteger)
    memory_used: Mapped[int | None] = mapped_column(BigInteger)
    memory_total: Mapped[int | None] = mapped_column(BigInteger)
    bytes_read: Mapped[int | None] = mapped_column(BigInteger)
    bytes_total: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime]


class GatewayRow(Base):
    """Which ledger entry each gateway routes by: how a release knows that nothing goes the old way any more."""

    __tablename__ = "gateways"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    ledger_seq: Mapped[int]
    heartbeat_at: Mapped[datetime]
