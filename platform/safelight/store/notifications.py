"""The outbox of notifications, and the log of their deliveries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, aliased

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store import channels
from safelight.store.channels import Access, KnownChannel, access_of
from safelight.store.tables import Channel, Delivery, Incident, Notification

SUPERSEDED = "superseded"
"""What the log says in place of an attempt at what comes too late. Nobody sends it any more, nor replays it."""
_CLOCKS_APART = timedelta(seconds=10)
"""What another worker has claimed may lapse so much later by our clock than a claim of ours."""
_SAME_CAUSE = 20
"""Incidents of one cause that are looked through for something newer: a cause that comes back has no end of them."""


class State(StrEnum):
    """How far a notification has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


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
    """A notification to be sent now."""

    id: UUID
    event: str
    payload: dict[str, Any]
    created_at: datetime
    attempts: int
    access: Access


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


def disable_channel(session: Session, channel_id: UUID, reason: str) -> KnownChannel:
    """Tells a channel nothing more; what it was still to be told has failed. Raises `channel_not_found`."""
    channel = channels.mark_disabled(session, channel_id, reason)
    session.execute(
        update(Notification)
        .where(Notification.channel_id == channel_id, Notification.state == State.PENDING.value)
        .values(state=State.FAILED.value, next_attempt_at=None)
    )
    session.flush()
    return channel


def claim_due(session: Session, now: datetime, until: datetime, busy: Collection[UUID] = ()) -> list[Due]:
    """Of each channel that is not `busy` what has been due the longest. Nobody else is given it before `until`.

    Of one incident a channel is told one thing at a time, and the older first where it can be tried before `until`.
    """
    other = aliased(Notification)
    # By an incident's few messages, whatever else waits. What is not due may be under way.
    waits_for = (
        select(other.id)
        .where(
            other.incident_id == Notification.incident_id,
            other.channel_id == Notification.channel_id,
            other.state == State.PENDING.value,
            other.next_attempt_at <= until + _CLOCKS_APART,
            or_(other.id < Notification.id, other.next_attempt_at > now),
        )
        .correlate(Notification)
    )
    first = (
        select(Notification.id)
        .where(
            Notification.channel_id == Channel.id,
            Notification.state == State.PENDING.value,
            Notification.next_attempt_at <= now,
            ~waits_for.exists(),
        )
        .order_by(Notification.next_attempt_at, Notification.id)
        .limit(1)
        .correlate(Channel)
        .scalar_subquery()
    )
    found: Sequence[UUID | None] = session.scalars(
        select(first).select_from(Channel).where(Channel.id.not_in(busy))
    ).all()
    rows = session.execute(
        select(Notification, Channel)
        .join(Channel, Channel.id == Notification.channel_id)
        .where(
            Notification.id.in_([each for each in found if each is not None]),
            # Another worker may have claimed it between the two looks.
            Notification.state == State.PENDING.value,
            Notification.next_attempt_at <= now,
        )
        .with_for_update(of=Notification, skip_locked=True)
    ).all()
    for notification, _ in rows:
        notification.next_attempt_at = until
    session.flush()
    return [
        Due(each.id, each.event, each.payload, each.created_at, each.attempts, access_of(channel, now))
        for each, channel in rows
    ]


def is_superseded(session: Session, identifier: UUID, by: str | None = None) -> bool:
    """Whether its channel has been told something newer about the same cause: anything, or one kind of event."""
    about = select(Notification.channel_id, Incident.id, Incident.dedup_key).join(
        Incident, Incident.id == Notification.incident_id
    )
    found = session.execute(about.where(Notification.id == identifier)).one_or_none()
    if found is None:
        return False
    channel_id, incident_id, cause = found
    newest = select(Incident.id).where(Incident.dedup_key == cause).order_by(Incident.id.desc()).limit(_SAME_CAUSE)
    # By incident, not by channel: a channel's log has no end.
    told = session.execute(
        select(Notification.id, Notification.channel_id, Notification.event).where(
            Notification.incident_id.in_({incident_id, *session.scalars(newest)}),
            Notification.state == State.DELIVERED.value,
        )
    )
    return any(each.channel_id == channel_id and each.id > identifier and by in (None, each.event) for each in told)


def standing(session: Session, channel_id: UUID) -> list[KnownNotification]:
    """The newest notification of each incident that is not resolved, of those that reached the channel."""
    open_incidents = session.scalars(select(Incident.id).where(Incident.open_key.is_not(None))).all()
    told = session.scalars(
        select(Notification)
        .where(Notification.incident_id.in_(open_incidents), Notification.state == State.DELIVERED.value)
        .order_by(Notification.id)
    )
    newest = {each.incident_id: each for each in told if each.channel_id == channel_id}
    return _notifications(session, list(newest.values()))


def hold(session: Session, channel_id: UUID, until: datetime) -> None:
    """Whatever waits to be told to a channel waits until then at least: its receiver has asked for a pause."""
    session.execute(
        update(Notification)
        .where(
            Notification.channel_id == channel_id,
            Notification.state == State.PENDING.value,
            Notification.next_attempt_at < until,
        )
        .values(next_attempt_at=until)
    )


def hasten(session: Session, channel_id: UUID, now: datetime) -> None:
    """Whatever waits to be told to a channel is due: it leads elsewhere now, where nothing has failed yet."""
    session.execute(
        update(Notification)
        .where(Notification.channel_id == channel_id, Notification.state == State.PENDING.value)
        .values(next_attempt_at=now)
    )


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
    # Given up while the attempt was under way, because its channel was switched off: it stays so, unless it arrived.
    if row.state == State.PENDING.value or state is not State.PENDING:
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
    if not channels.require(session, row.channel_id).enabled:
        raise channels.switched_off()
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
