"""Reports for people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class VariantReportRow(Base):
    """A variant beside its parent, as somebody had it measured."""

    __tablename__ = "variant_reports"
    __table_args__ = (Index(None, "generator", "version", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class DailyReportRow(Base):
    """One generator's day beside its baseline and the days before. `day` is its midnight in UTC."""

    __tablename__ = "daily_reports"
    __table_args__ = (UniqueConstraint("generator", "day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    day: Mapped[datetime]
    version: Mapped[int]
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
