"""Probe sets, their runs, and the images that the runs were given."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class ProbeSetRow(Base):
    """A named, immutable list of prompts with seeds and parameters."""

    __tablename__ = "probe_sets"
    __table_args__ = (UniqueConstraint("generator", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"))
    name: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(80))
    probes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class ProbeRunRow(Base):
    """Probes of one set to be made by one engine. The order is a row; who has the gateway polls it."""

    __tablename__ = "probe_runs"
    __table_args__ = (
        CheckConstraint(
            "purpose IN ('baseline', 'routine', 'suspect', 'reload', 'target', 'requested', 'gate')", name="purpose"
        ),
        CheckConstraint("state IN ('ordered', 'making', 'made', 'judged', 'failed', 'cancelled')", name="state"),
        Index(None, "generator", "version", "id"),
        Index(None, "state"),
        Index(None, "incident_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    set_id: Mapped[UUID] = mapped_column(ForeignKey("probe_sets.id"))
    purpose: Mapped[str] = mapped_column(String(16))
    against: Mapped[int | None]
    host: Mapped[str | None] = mapped_column(String(100))
    fresh: Mapped[bool]
    places: Mapped[list[Any]]
    repeats: Mapped[int]
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incidents.id"))
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text, default="")
    ordered_at: Mapped[datetime]
    ordered_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    claimed_until: Mapped[datetime | None]
    replica: Mapped[str | None] = mapped_column(String(100))
    environment_digest: Mapped[str | None] = mapped_column(String(80))
    made_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    reference_id: Mapped[UUID | None] = mapped_column(ForeignKey("probe_runs.id"))
    result: Mapped[dict[str, Any]]


class ProbeImageRow(Base):
    """What became of one probe of a run. `repeat` counts from 0: the second output of a probe is its repetition."""

    __tablename__ = "probe_images"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("probe_runs.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True)
    generation_id: Mapped[UUID]
    outcome: Mapped[str] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(64))
