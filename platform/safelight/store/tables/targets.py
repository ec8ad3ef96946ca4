"""What releases act on elsewhere, and the scopes that a release goes through."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base
from safelight.store.tables.secrets import RotatedSecret


class TargetRow(RotatedSecret, Base):
    """Somebody else's service: how it is told what should serve, what it was told last, and what it was seen to serve.

    Its secret signs what a webhook is told, or is the bearer token of a cluster.
    """

    __tablename__ = "targets"
    __table_args__ = (
        CheckConstraint("kind IN ('webhook', 'argo_rollouts', 'kserve')", name="kind"),
        UniqueConstraint("generator", "scope"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"))
    scope: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    url: Mapped[str] = mapped_column(Text)
    resource: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    release_id: Mapped[UUID | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    observed_release_id: Mapped[UUID | None]
    observed_version: Mapped[int | None]
    observed_at: Mapped[datetime | None]
    observed_detail: Mapped[str] = mapped_column(Text, default="")


class ScopeRow(Base):
    """A region or stage that follows the generator's first one, in the order of `place`."""

    __tablename__ = "scopes"
    __table_args__ = (Index(None, "generator", "place"),)

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(100), primary_key=True)
    place: Mapped[int]
    bake_seconds: Mapped[float]
