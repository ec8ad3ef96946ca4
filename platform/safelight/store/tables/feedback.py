"""What people made of their images."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base
from safelight.store.tables.ageing import index_not_rolled_up


class FeedbackRow(Base):
    """One person's word on one image, or what they did with it."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("kind IN ('up', 'down', 'regenerated', 'downloaded')", name="kind"),)

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    rater: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime]


class FeedbackBucket(Base):
    """Images made in one bucket of time by what was made of them while they were young: each counts once a kind."""

    __tablename__ = "feedback_buckets"
    __table_args__ = (index_not_rolled_up("feedback_buckets"),)

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    arm: Mapped[str] = mapped_column(String(16), primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    up: Mapped[int] = mapped_column(default=0)
    down: Mapped[int] = mapped_column(default=0)
    regenerated: Mapped[int] = mapped_column(default=0)
    downloaded: Mapped[int] = mapped_column(default=0)
    rolled_up: Mapped[bool] = mapped_column(default=False)
