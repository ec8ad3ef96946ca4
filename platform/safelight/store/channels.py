"""Channels: who is told, how they are reached, and whether they still want it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables import Channel


class ChannelKind(StrEnum):
    """Who reads what a channel is told."""

    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    SLACK = "slack"
    ALERTMANAGER = "alertmanager"
    HEARTBEAT = "heartbeat"


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
    revision: int
    """Grows with each edit."""


@dataclass(frozen=True)
class Access:
    """What it takes to send to a channel. Holds secrets, those valid now, the newest first: never log it."""

    channel_id: UUID
    kind: ChannelKind
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    link_key: str = field(repr=False)


def all_of(session: Session) -> list[KnownChannel]:
    """By name."""
    return [_channel(row) for row in session.scalars(select(Channel).order_by(Channel.name))]


def require(session: Session, identifier: UUID) -> KnownChannel:
    """Raises `channel_not_found`."""
    return _channel(_require(session, identifier))


def named(session: Session, name: str) -> KnownChannel:
    """Raises `channel_not_found`."""
    row = session.scalar(select(Channel).where(Channel.name == name))
    if row is None:
        raise not_found("channel", name)
    return _channel(row)


def find_access(session: Session, identifier: UUID, now: datetime) -> Access | None:
    """None where there is no such channel, or it is disabled."""
    row = session.get(Channel, identifier)
    return access_of(row, now) if row and row.enabled else None


def add(
    session: Session, name: str, kind: ChannelKind, url: str, secret: str, link_key: str, now: datetime
) -> KnownChannel:
    """Raises `channel_exists`."""
    _refuse_taken(session, name)
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


def for_edit(session: Session, identifier: UUID, revision: int, now: datetime) -> tuple[KnownChannel, Access]:
    """A channel as somebody saw it at a revision; nobody else edits it until this transaction ends.

    Raises `channel_not_found` or `channel_changed`.
    """
    row = session.get(Channel, identifier, with_for_update=True)
    if row is None:
        raise not_found("channel", identifier)
    if row.revision != revision:
        raise SafelightError(
            Kind.CONFLICT,
            "channel_changed",
            f"{row.name} has been edited since you looked: it is at revision {row.revision}. Look again, then decide.",
        )
    return _channel(row), access_of(row, now)


def edit(session: Session, identifier: UUID, name: str, url: str, secret: str) -> KnownChannel:
    """Call it in the transaction of `for_edit`. An address that is new was never heard of. Raises `channel_exists`."""
    row = _require(session, identifier)
    if name != row.name:
        _refuse_taken(session, name)
    if (url, secret) != (row.url, row.secret):
        row.last_beat_at, row.last_beat_error = None, ""
    row.name, row.url, row.secret, row.revision = name, url, secret, row.revision + 1
    session.flush()
    return _channel(row)


def rotate_secret(session: Session, identifier: UUID, secret: str, previous_until: datetime) -> KnownChannel:
    """A new secret counts from now on, and the one it takes the place of until `previous_until`; older ones no more."""
    row = _require(session, identifier)
    row.rotate(secret, previous_until)
    session.flush()
    return _channel(row)


def record_beat(session: Session, identifier: UUID, at: datetime, error: str) -> None:
    """`error` is empty where the heartbeat was heard; where it was not, the last one that was stays the last."""
    row = _require(session, identifier)
    row.last_beat_error = error
    if not error:
        row.last_beat_at = at
    session.flush()


def enable(session: Session, identifier: UUID) -> KnownChannel:
    """Takes notifications again, from now on; those that failed meanwhile can be replayed."""
    row = _require(session, identifier)
    row.enabled, row.disabled_reason = True, ""
    session.flush()
    return _channel(row)


def mark_disabled(session: Session, identifier: UUID, reason: str) -> KnownChannel:
    """Only `notifications.disable_channel` does this: what was still to be told has to be given up with it."""
    row = _require(session, identifier)
    row.enabled, row.disabled_reason = False, reason
    session.flush()
    return _channel(row)


def switched_off() -> SafelightError:
    return SafelightError(Kind.CONFLICT, "channel_disabled", "The channel is disabled. Enable it first.")


def _refuse_taken(session: Session, name: str) -> None:
    if session.scalar(select(Channel.id).where(Channel.name == name)) is not None:
        raise SafelightError(
            Kind.CONFLICT, "channel_exists", f"There is a channel {name} already. Choose another name."
        )


def _require(session: Session, identifier: UUID) -> Channel:
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
        revision=row.revision,
    )


def access_of(row: Channel, now: datetime) -> Access:
    """What it takes to send to the channel of a row, now."""
    return Access(row.id, ChannelKind(row.kind), row.url, row.valid_secrets(now), row.link_key)
