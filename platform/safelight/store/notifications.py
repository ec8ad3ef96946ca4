"""Channels, the outbox of notifications, and the log of their deliveries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables import Channel, Delivery, Incident, Notification


class ChannelKind(StrEnum):
    """Who reads what a channel is told."""

    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    SLACK = "slack"
    ALERTMANAGER = "alertmanager"
    HEARTBEAT = "heartbeat"


class State(StrEnum):
    """How far a notification has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class KnownChannel:
    """Where notifications go. Its secret is not here: only what is about to be sent has it.

    Until `previous_secret_until` the secret before the last rotation counts as well. A heartbeat has its last beat.
    """

    id: UUID
    name: str
    kind: ChannelKind
    url: str
    enabled: bool
    disabled_reason: str
    created_at: datetime
    previous_secret_until: datetime | None
    last_beat_at: datetime | None
    last_beat_error: str


@dataclass(frozen=True)
class Access:
    """What it takes to send to a channel. Holds secrets, those valid now, the newest first: never log it."""

    channel_id: UUID
    kind: ChannelKind
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    link_key: str = field(repr=False)


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


def channels(session: Session) -> list[KnownChannel]:
    """By name."""
    return [_channel(row) for row in session.scalars(select(Channel).order_by(Channel.name))]


def require_channel(session: Session, identifier: UUID) -> KnownChannel:
    """Raises `channel_not_found`."""
    return _channel(_require_channel_row(session, identifier))


def named(session: Session, name: str) -> KnownChannel:
    """Raises `channel_not_found`."""
    row = session.scalar(select(Channel).where(Channel.name == name))
    if row is None:
        raise not_found("channel", name)
    return _channel(row)


def find_access(session: Session, identifier: UUID, now: datetime) -> Access | None:
    """None where there is no such channel, or it is disabled."""
    row = session.get(Channel, identifier)
    return _access(row, now) if row and row.enabled else None


def add_channel(
    session: Session, name: str, kind: ChannelKind, url: str, secret: str, link_key: str, now: datetime
) -> KnownChannel:
    """Raises `channel_exists`."""
    if session.scalar(select(Channel.id).where(Channel.name == name)) is not None:
        raise SafelightError(
            Kind.CONFLICT, "channel_exists", f"There is a channel {name} already. Choose another name."
        )
    row = Channel(
        id=new_id(),
        name=name,
        kind=kind.value,
        url=url,
        secret=secret,
        link_key=link_key,
        enabled=True,
        disabled_reason="",
        created_at=now,
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return _channel(row)


def rotate_secret(session: Session, identifier: UUID, secret: str, previous_until: datetime) -> KnownChannel:
    """A new secret counts from now on, and the one it takes the place of until `previous_until`; older ones no more."""
    row = _require_channel_row(session, identifier)
    row.secret, row.previous_secret, row.previous_secret_until = secret, row.secret, previous_until
    session.flush()
    return _channel(row)


def record_beat(session: Session, identifier: UUID, at: datetime, error: str) -> None:
    """`error` is empty where the heartbeat was heard; where it was not, the last one that was stays the last."""
    row = _require_channel_row(session, identifier)
    row.last_beat_error = error
    if not error:
        row.last_beat_at = at
    session.flush()


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


def claim_due(session: Session, now: datetime, until: datetime, busy: Collection[UUID] = ()) -> list[Due]:
    """Of each channel that is not `busy` what has been due the longest. Nobody else is given it before `until`."""
    first = (
        select(Notification.id)
        .where(
            Notification.channel_id == Channel.id,
            Notification.state == State.PENDING.value,
            Notification.next_attempt_at <= now,
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
        Due(each.id, each.event, each.payload, each.created_at, each.attempts, _access(channel, now))
        for each, channel in rows
    ]


def is_superseded(session: Session, identifier: UUID) -> bool:
    """Whether its channel has been told something newer about the same cause."""
    older, newer, cause, same = aliased(Notification), aliased(Notification), aliased(Incident), aliased(Incident)
    query = (
        select(newer.id)
        .select_from(older)
        .join(cause, cause.id == older.incident_id)
        .join(newer, (newer.channel_id == older.channel_id) & (newer.id > older.id))
        .join(same, (same.id == newer.incident_id) & (same.dedup_key == cause.dedup_key))
        .where(older.id == identifier, newer.state == State.DELIVERED.value)
        .limit(1)
    )
    return session.scalar(query) is not None


def standing(session: Session, channel_id: UUID) -> list[KnownNotification]:
    """The newest notification of each incident that is not resolved, of those that reached the channel."""
    open_incidents = session.scalars(select(Incident.id).where(Incident.open_key.is_not(None))).all()
    # By incident, not by channel: a channel's log has no end.
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
    if not _require_channel_row(session, row.channel_id).enabled:
        raise channel_disabled()
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


def channel_disabled() -> SafelightError:
    return SafelightError(Kind.CONFLICT, "channel_disabled", "The channel is disabled. Enable it first.")


def _require_channel_row(session: Session, identifier: UUID) -> Channel:
    row = session.get(Channel, identifier)
    if row is None:
        raise not_found("channel", identifier)
    return row


def _channel(row: Channel) -> KnownChannel:
    return KnownChannel(
        id=row.id,
        name=row.name,
        kind=ChannelKind(row.kind),
        url=row.url,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        created_at=row.created_at,
        previous_secret_until=row.previous_secret_until,
        last_beat_at=row.last_beat_at,
        last_beat_error=row.last_beat_error,
    )


def _access(row: Channel, now: datetime) -> Access:
    secrets: tuple[str, ...] = (row.secret,)
    if row.previous_secret is not None and row.previous_secret_until is not None and now < row.previous_secret_until:
        secrets += (row.previous_secret,)
    return Access(row.id, ChannelKind(row.kind), row.url, secrets, row.link_key)


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
