"""Incidents, the policy that answers them, and the people who are told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base
from safelight.store.tables.secrets import RotatedSecret


def _that_lasts(name: str, column: str) -> Index:
    """Finds incidents that are not resolved, however many there were."""
    where = text("open_key IS NOT NULL")
    return Index(name, column, "id", sqlite_where=where, postgresql_where=where)


def _of_state(name: str, state: str, *columns: str) -> Index:
    """Finds notifications of one state, however many there are of the others."""
    where = text(f"state = '{state}'")
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class Incident(Base):
    """What a degraded verdict opens. `open_key` is set while it lasts, so that there is one and no duplicate."""

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("state IN ('triggered', 'acknowledged', 'resolved')", name="state"),
        UniqueConstraint("open_key"),
        Index(None, "generator", "id"),
        Index(None, "generator", "resolved_at"),
        Index(None, "dedup_key", "id"),
        _that_lasts("ix_incidents_open", "generator"),
        _that_lasts("ix_incidents_open_of_monitor", "monitor"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(String(100))
    open_key: Mapped[str | None] = mapped_column(String(255))
    dedup_key: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    monitor: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(64))
    verdict_id: Mapped[int | None]
    suspect_version: Mapped[int | None]
    suspect_release_id: Mapped[UUID | None]
    suggested_target: Mapped[int | None]
    repair_release_id: Mapped[UUID | None]
    evidence: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(100))
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(100))
    resolution: Mapped[str | None] = mapped_column(String(32))
    severity: Mapped[str] = mapped_column(String(16), server_default="critical")
    severity_by: Mapped[str | None] = mapped_column(String(100))
    owner: Mapped[str | None] = mapped_column(String(100))
    reopened_at: Mapped[datetime | None]
    judgement: Mapped[str | None] = mapped_column(String(16))


class IncidentEvent(Base):
    """A line of an incident's timeline, which only grows: the database refuses anything else."""

    __tablename__ = "incident_events"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]


class IncidentJudgement(Base):
    """What one person says of an alarm; the incident itself holds the newest word of all."""

    __tablename__ = "incident_judgements"
    __table_args__ = (CheckConstraint("judgement IN ('right', 'wrong')", name="judgement"),)

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    actor: Mapped[str] = mapped_column(String(100), primary_key=True)
    judgement: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class RunbookRow(Base):
    """A generator's own words on what to do when a monitor alarms, instead of the bundled ones."""

    __tablename__ = "runbooks"

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    monitor: Mapped[str] = mapped_column(String(100), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(100))


class Policy(Base):
    """What may be done about an incident without asking: observe, recommend or auto; and how often an hour."""

    __tablename__ = "policies"
    __table_args__ = (CheckConstraint("mode IN ('observe', 'recommend', 'auto')", name="mode"),)

    generator: Mapped[str] = mapped_column(ForeignKey("generators.name"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(16))
    most_per_hour: Mapped[int] = mapped_column(server_default="1")
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(100))


class Channel(RotatedSecret, Base):
    """Where notifications go. What is secret of it is never shown again; after a rotation the previous secret counts
    on for a while. `link_key` signs the links to images that its messages carry. A heartbeat keeps its last beat.
    `revision` grows with each edit, so that nobody undoes one unseen."""

    __tablename__ = "channels"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16), server_default="webhook")
    url: Mapped[str] = mapped_column(Text)
    link_key: Mapped[str] = mapped_column(Text, server_default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str] = mapped_column(Text, default="")
    last_beat_at: Mapped[datetime | None]
    last_beat_error: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(server_default="1")


class Notification(Base):
    """The outbox: written with the event it tells of, delivered afterwards, at least once."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        # Each channel has a line of its own, so that none waits behind another's.
        _of_state("ix_notifications_due", "pending", "channel_id", "next_attempt_at"),
        # What else a channel is to be told of the same incident.
        _of_state("ix_notifications_waiting", "pending", "channel_id", "incident_id", "next_attempt_at"),
        _of_state("ix_notifications_delivered", "delivered", "id"),
        _of_state("ix_notifications_failed", "failed", "id"),
        Index(None, "channel_id", "id"),
        Index(None, "channel_id", "state", "id"),
        # And what it was told of it.
        Index(None, "incident_id", "channel_id", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"))
    event: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[UUID | None]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]


class Delivery(Base):
    """One attempt to tell a channel."""

    __tablename__ = "deliveries"

    notification_id: Mapped[UUID] = mapped_column(ForeignKey("notifications.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    duration_ms: Mapped[float]
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
