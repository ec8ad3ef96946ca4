"""Requests to forget somebody."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class ErasureRow(Base):
    """One user's generations up to `requested_at` are to be deleted. The row stays: what arrives late is held to it.

    `cursor` is the last generation that the present look through the log came to.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done')", name="state"),
        CheckConstraint(
            "CASE WHEN tenant IS NULL THEN 0 ELSE 1 END + CASE WHEN api_key_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN end_user IS NULL THEN 0 ELSE 1 END = 1",
            name="subject",
        ),
        Index(None, "tenant"),
        Index(None, "api_key_id"),
        Index(None, "end_user"),
        Index(
            "ix_erasures_running",
            "id",
            postgresql_where=text("state = 'running'"),
            sqlite_where=text("state = 'running'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant: Mapped[str | None] = mapped_column(String(100))
    api_key_id: Mapped[UUID | None]
    end_user: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    erased: Mapped[int]
    cursor: Mapped[UUID | None]
    looked_from: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    requested_by: Mapped[str] = mapped_column(String(100))
    finished_at: Mapped[datetime | None]
