"""Single generations that are made again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class ReplayRow(Base):
    """One generation, made again on a version. The order is a row; who has the gateway polls it."""

    __tablename__ = "replays"
    __table_args__ = (
        CheckConstraint("state IN ('loading', 'making', 'made', 'judged', 'failed')", name="state"),
        Index(None, "generation_id"),
        Index(None, "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generation_id: Mapped[UUID]
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    made_id: Mapped[UUID | None]
    result: Mapped[dict[str, Any]]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str] = mapped_column(Text, default="")
    holder: Mapped[str] = mapped_column(String(100), default="")
    held_until: Mapped[datetime | None]
    ordered_at: Mapped[datetime]
    ordered_by: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
