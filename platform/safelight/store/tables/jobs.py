"""Images that were asked for and are not waited for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base

_OPEN = "state IN ('queued', 'running')"


class GenerationJobRow(Base):
    """A request whose images are made in the background. What it asks for is forgotten when it has ended."""

    __tablename__ = "generation_jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        Index("ix_generation_jobs_open", "id", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
        Index(None, "api_key_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    requested: Mapped[dict[str, Any]]
    images: Mapped[int]
    api_key_id: Mapped[UUID | None]
    tenant: Mapped[str | None] = mapped_column(String(100))
    end_user: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float] = mapped_column(default=0.0)
    holder: Mapped[str] = mapped_column(String(100), default="")
    held_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    generation_ids: Mapped[list[Any]] = mapped_column(default=list)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
