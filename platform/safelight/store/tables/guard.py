"""What the guard is held to, and what shows that there is a way back: stops, drills, verifications, used links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class GuardStopRow(Base):
    """A time in which nothing was done automatically. `open_key` is set while it lasts, so that there is one."""

    __tablename__ = "guard_stops"
    __table_args__ = (UniqueConstraint("open_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    open_key: Mapped[str | None] = mapped_column(String(16))
    stopped_at: Mapped[datetime]
    stopped_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    resumed_at: Mapped[datetime | None]
    resumed_by: Mapped[str | None] = mapped_column(String(100))


class DrillRow(Base):
    """A version that was loaded afresh to see that it can be gone back to. `night` is set for those of the schedule."""

    __tablename__ = "drills"
    __table_args__ = (
        CheckConstraint("state IN ('ordered', 'running', 'passed', 'failed', 'not_run')", name="state"),
        UniqueConstraint("generator", "night"),
        Index(None, "generator", "version", "id"),
        Index(None, "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"))
    version: Mapped[int]
    night: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text)
    host: Mapped[str | None] = mapped_column(String(100))
    ordered_at: Mapped[datetime]
    ordered_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime]
    heard_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    fetch_seconds: Mapped[float | None]
    load_seconds: Mapped[float | None]
    check_seconds: Mapped[float | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)


class VerificationRow(Base):
    """How the version that a rollback put in place was looked at once it served. `run_id` is of the probes."""

    __tablename__ = "verifications"
    __table_args__ = (CheckConstraint("state IN ('probing', 'passed', 'failed', 'unknown')", name="state"),)

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    run_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SpentLinkRow(Base):
    """A rollback link that was used: it opens nothing again."""

    __tablename__ = "spent_links"

    nonce: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[UUID]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    used_at: Mapped[datetime]
