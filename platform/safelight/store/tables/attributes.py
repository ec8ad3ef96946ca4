"""What prompts leave open and is watched, and what images have shown of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class AttributeRow(Base):
    """Phrases to tell images apart by, and the words of the prompts it is asked of."""

    __tablename__ = "attributes"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    about: Mapped[str] = mapped_column(String(200))
    options: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class AttributeReading(Base):
    """How the newest images divided among the options. Its key is unique: an hour is read once."""

    __tablename__ = "attribute_readings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["generator", "name"],
            ["attributes.generator", "attributes.name"],
            ondelete="CASCADE",
            name="fk_attribute_readings_attributes",
        ),
    )

    generator: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    version: Mapped[int]
    embedder_digest: Mapped[str] = mapped_column(String(80))
    counts: Mapped[list[Any]]
    unclear: Mapped[int]
