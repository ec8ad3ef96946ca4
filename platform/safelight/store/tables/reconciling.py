"""What is kept of the version registry, and of what others changed there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class RegistryLookRow(Base):
    """When the registry was last held against the ledger, and where its alias was last put by us."""

    __tablename__ = "registry_looks"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    looked_at: Mapped[datetime]
    alias_version: Mapped[int | None]


class RegistryPolicyRow(Base):
    """What becomes of an edit made in the registry; a generator without a row puts it back."""

    __tablename__ = "registry_policies"
    __table_args__ = (CheckConstraint("policy IN ('put_back', 'adopt')", name="policy"),)

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    policy: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(100))


class RegistryFindingRow(Base):
    """An edit made in the registry. `open_key` is set while it stands, so that it is found once."""

    __tablename__ = "registry_findings"
    __table_args__ = (
        UniqueConstraint("open_key"),
        Index(None, "generator", "id"),
        Index(None, "incident_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"))
    open_key: Mapped[str | None] = mapped_column(String(255))
    change: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    found: Mapped[int | None]
    remedy: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text)
    release_id: Mapped[UUID | None]
    incident_id: Mapped[UUID | None]
    noticed_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
