"""What comes in from services that are not ours, besides generations with their images."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class ToldSignals(Base):
    """What was seen of an image where it was made. The row goes in the transaction that folds its score."""

    __tablename__ = "told_signals"

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]


class ImageFetch(Base):
    """An image that lies elsewhere and is still to be fetched."""

    __tablename__ = "image_fetches"
    __table_args__ = (Index(None, "due_at"),)

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    uri: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]


class MergedSketch(Base):
    """A sketch that was made elsewhere and has been added: under its id it is never added again."""

    __tablename__ = "merged_sketches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    merged_at: Mapped[datetime]


class EmbedderInUse(Base):
    """What the workers look at images with: others' embeddings are taken only if they are of the same space."""

    __tablename__ = "embedders"

    digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    dimensions: Mapped[int]
    seen_at: Mapped[datetime]
