"""Channels, the outbox of notifications, and the log of their deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables import Channel, Delivery, Notification


class State(StrEnum):
    """How far a notification has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class KnownChannel:
    """Where notifications go. Its secret is not here: only `claim_due` hands it out."""

    id: UUID
    name: str
    url: str
    enabled: bool
    disabled_reason: str
    created_at: datetime


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver; `status` is None where no answer came, and `error` says why."""

    at: datetime
    duration_ms: float
    status: int | None
    error: str


@dataclass(frozen=True)
class KnownDelivery(Attempt):
    """An attempt in the log, numbered from 1."""

    attempt: int


@dataclass(frozen=True)
class KnownNotification:
    """What a channel is told. `attempts` counts those since it was enqueued or replayed."""

    id: UUID
    channel_id: UUID
    event: str
    incident_id: UUID | None
    payload: dict[str, Any]
    state: State
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    deliveries: tuple[KnownDelivery, ...]


@dataclass(frozen=True)
class Due:
    """A notification to be sent now, with all that takes. Holds a secret: never log it."""

    id: UUID
    channel_id: UUID
    event: str
    payload: dict[str, Any]
    created_at: datetime
    attempts: int
    url: str
    secret: str

    def __repr__(self) -> str:
        return f"Due(id={self.id!r})"


def channels(session: Session) -> list[KnownChannel]:
    """By name."""
    return [_channel(row) for row in session.scalars(select(Channel).order_by(Channel.name))]


def require_channel(session: Session, identifier: UUID) -> KnownChannel:
    """Raises `channel_not_found`."""
    return _channel(_require_channel_row(session, identifier))


def add_channel(session: Session, name: str, url: str, secret: str, now: datetime) -> KnownChannel:
    """Raises `channel_exists`."""
    if session.scalar(select(Channel.id).where(Channel.name == name)) is not None:
        raise SafelightError(
            Kind.CONFLICT, "channel_exists", f"There is a channel {name} already. Choose another name."
        )
    row = Channel(id=new_id(), name=name, url=url, secret=secret, enabled=True, disabled_reason="", created_at=now)
    session.add(row)
    session.flush()
    return _channel(row)


def enable_channel(session: Session, identifier: UUID) -> KnownChannel:
    """Takes notifications again, from now on; those that failed meanwhile can be replayed."""
    row = _require_channel_row(session, identifier)
    row.enabled, row.disabled_reason = True, ""
    session.flush()
    return _channel(row)


def disable_channel(session: Session, identifier: UUID, reason: str) -> KnownChannel:
    """Tells a channel nothing more; what it was still to be told has failed."""
    row = _require_channel_row(session, identifier)
    row.enabled, row.disabled_reason = False, reason
    session.execute(
        update(Notification)
        .where(Notification.channel_id == identifier, Notification.state == State.PENDING.value)
        .values(state=State.FAILED.value, next_attempt_at=None)
    )
    session.flush()
    return _channel(row)


def add(
    session: Session, channel_id: UUID, event: str, payload: dict[str, Any], incident_id: UUID | None, now: datetime
) -> UUID:
    """Puts a notification in the outbox, due at once."""
    row = Notification(
        id=new_id(),
        channel_id=channel_id,
        event=event,
        incident_id=incident_id,
        payload=payload,
        state=State.PENDING.value,
        attempts=0,
        created_at=now,
        next_attempt_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def claim_due(session: Session, now: datetime, until: datetime, limit: int) -> list[Due]:
    """The notifications that are due, the longest waiting first. Nobody else is given them before `until`."""
    rows = session.execute(
        select(Notification, Channel)
        .join(Channel, Channel.id == Notification.channel_id)
        .where(Notification.state == State.PENDING.value, Notification.next_attempt_at <= now)
        .order_by(Notification.next_attempt_at, Notification.id)
        .limit(limit)
        .with_for_update(of=Notification, skip_locked=True)
    ).all()
    for notification, _ in rows:
        notification.next_attempt_at = until
    session.flush()
    return [
        Due(n.id, n.channel_id, n.event, n.payload, n.created_at, n.attempts, channel.url, channel.secret)
        for n, channel in rows
    ]


def record_attempt(
    session: Session, identifier: UUID, attempt: Attempt, state: State, next_attempt_at: datetime | None = None
) -> None:
    """Logs an attempt and what became of its notification; `next_attempt_at` is for a PENDING one."""
    row = session.get_one(Notification, identifier, with_for_update=True)
    number = session.scalar(select(func.count()).where(Delivery.notification_id == identifier)) or 0
    session.add(
        Delivery(
            notification_id=identifier,
            attempt=number + 1,
            at=attempt.at,
            duration_ms=attempt.duration_ms,
            status=attempt.status,
            error=attempt.error,
        )
    )
    row.attempts += 1
    row.state = state.value
    row.next_attempt_at = next_attempt_at
    session.flush()


def replay(session: Session, identifier: UUID, now: datetime) -> KnownNotification:
    """Sends a failed notification again, the whole schedule over, under its own id.

    Raises `notification_not_found`, `notification_not_failed` or `channel_disabled`.
    """
    row = session.get(Notification, identifier, with_for_update=True)
    if row is None:
        raise not_found("notification", identifier)
    if row.state != State.FAILED.value:
        raise SafelightError(
            Kind.CONFLICT,
            "notification_not_failed",
            f"This notification is {row.state}; only a failed one is replayed.",
        )
    if not _require_channel_row(session, row.channel_id).enabled:
        raise SafelightError(Kind.CONFLICT, "channel_disabled", "The channel is disabled. Enable it first.")
    row.state, row.attempts, row.next_attempt_at = State.PENDING.value, 0, now
    session.flush()
    return _notifications(session, [row])[0]


def get(session: Session, identifier: UUID) -> KnownNotification:
    """Raises `notification_not_found`."""
    row = session.get(Notification, identifier)
    if row is None:
        raise not_found("notification", identifier)
    return _notifications(session, [row])[0]


def page(
    session: Session,
    before_id: UUID | None = None,
    limit: int = 50,
    *,
    incident_id: UUID | None = None,
    channel_id: UUID | None = None,
    state: State | None = None,
) -> list[KnownNotification]:
    """At most `limit` notifications older than `before_id`, newest first; what is None does not narrow."""
    query = select(Notification).order_by(Notification.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Notification.id < before_id)
    if incident_id is not None:
        query = query.where(Notification.incident_id == incident_id)
    if channel_id is not None:
        query = query.where(Notification.channel_id == channel_id)
    if state is not None:
        query = query.where(Notification.state == state.value)
    return _notifications(session, session.scalars(query).all())


def _require_channel_row(session: Session, identifier: UUID) -> Channel:
    row = session.get(Channel, identifier)
    if row is None:
        raise not_found("channel", identifier)
    return row


def _channel(row: Channel) -> KnownChannel:
    return KnownChannel(row.id, row.name, row.url, row.enabled, row.disabled_reason, row.created_at)


def _notifications(session: Session, rows: Sequence[Notification]) -> list[KnownNotification]:
    logged: dict[UUID, list[KnownDelivery]] = {row.id: [] for row in rows}
    query = select(Delivery).where(Delivery.notification_id.in_(list(logged))).order_by(Delivery.attempt)
    for each in session.scalars(query):
        logged[each.notification_id].append(
            KnownDelivery(each.at, each.duration_ms, each.status, each.error, each.attempt)
        )
    return [
        KnownNotification(
            id=row.id,
            channel_id=row.channel_id,
            event=row.event,
            incident_id=row.incident_id,
            payload=row.payload,
            state=State(row.state),
            attempts=row.attempts,
            created_at=row.created_at,
            next_attempt_at=row.next_attempt_at,
            deliveries=tuple(logged[row.id]),
        )
        for row in rows
    ]
