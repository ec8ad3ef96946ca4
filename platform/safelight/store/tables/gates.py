"""Gate policies, what gates said of releases, overrides and approvals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class GatePolicyRow(Base):
    """What a generator's versions have to show before they may serve."""

    __tablename__ = "gate_policies"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    document: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(100))


class GateResultRow(Base):
    """What a gate said of a release when it was last asked. `overridden`: the release went on without it."""

    __tablename__ = "gate_results"
    __table_args__ = (
        CheckConstraint("outcome IN ('passed', 'failed', 'missing', 'pending', 'not_applicable')", name="outcome"),
    )

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    gate: Mapped[str] = mapped_column(String(32), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(48))
    summary: Mapped[str] = mapped_column(Text)
    required: Mapped[bool]
    overridden: Mapped[bool]
    figures: Mapped[dict[str, Any]]
    judged_at: Mapped[datetime]


class OverrideRow(Base):
    """Somebody takes responsibility for a release whatever its gates say."""

    __tablename__ = "release_overrides"

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class ApprovalRow(Base):
    """Somebody has looked at a version and takes it."""

    __tablename__ = "approvals"
    __table_args__ = (Index(None, "generator", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    by: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class ProvenanceRow(Base):
    """What was told of a version's provenance after it was registered; never changed afterwards."""

    __tablename__ = "provenances"
    __table_args__ = (Index(None, "generator", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    document: Mapped[dict[str, Any]]
    told_by: Mapped[str] = mapped_column(String(100))
    told_at: Mapped[datetime]
