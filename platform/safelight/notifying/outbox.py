"""Writing a notification down in the transaction of the event it tells of: both happen, or neither."""

from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.errors import Kind, SafelightError
from safelight.notifying.kinds import KINDS
from safelight.store import channels, notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Session
from safelight.store.notifications import KnownNotification

TEST_EVENT = "channel.test"
END_EVENT = "incident.resolved"


def enqueue(session: Session, event: str, payload: dict[str, Any], incident_id: UUID | None, now: datetime) -> int:
    """A notification for every enabled channel; returns how many. `payload` becomes the `data` of the message."""
    told = [
        channel.id
        for channel in channels.all_of(session)
        if channel.enabled and channel.kind is not ChannelKind.HEARTBEAT
    ]
    for channel_id in told:
        notifications.add(session, channel_id, event, payload, incident_id, now)
    return len(told)


def enqueue_test(session: Session, channel_id: UUID, now: datetime) -> UUID:
    """A harmless notification for one channel, to see whether it arrives.

    Raises `channel_not_found` or `channel_disabled`.
    """
    channel = channels.require(session, channel_id)
    if not channel.enabled:
        raise channels.switched_off()
    payload = {"channel": channel.name, "message": "This is a test: nothing is wrong."}
    return notifications.add(session, channel.id, TEST_EVENT, payload, None, now)


def is_superseded(session: Session, identifier: UUID, kind: ChannelKind) -> bool:
    """Whether a message would mislead: its channel knows something newer, and takes each one for how things stand; or
    knows, whatever it takes them for, that what the message tells of is over."""
    return notifications.is_superseded(session, identifier, by=None if KINDS[kind].keeps_state else END_EVENT)


def replay(session: Session, identifier: UUID, now: datetime) -> KnownNotification:
    """Sends a failed notification again, the whole schedule over, under its own id.

    Raises `notification_not_found`, `notification_not_failed`, `channel_disabled` or `notification_superseded`.
    """
    known = notifications.get(session, identifier)
    channel = channels.require(session, known.channel_id)
    if is_superseded(session, identifier, channel.kind):
        raise SafelightError(
            Kind.CONFLICT,
            "notification_superseded",
            f"{channel.name} has been told something newer about this: the old message would be taken for how things "
            "stand.",
        )
    return notifications.replay(session, identifier, now)


def replay_all(session: Session, channel_id: UUID, now: datetime, limit: int = 500) -> int:
    """Replays what a channel was not told, the oldest of the newest `limit` first; returns how many.

    What is superseded stays as it is. Raises `channel_not_found` or `channel_disabled`.
    """
    channel = channels.require(session, channel_id)
    if not channel.enabled:
        raise channels.switched_off()
    failed = notifications.page(session, limit=limit, channel_id=channel_id, state=notifications.State.FAILED)
    again = [each.id for each in failed if not is_superseded(session, each.id, channel.kind)]
    for identifier in reversed(again):
        notifications.replay(session, identifier, now)
    return len(again)
