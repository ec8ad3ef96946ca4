"""Writing a notification down in the transaction of the event it tells of: both happen, or neither."""

from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.store import notifications
from safelight.store.database import Session

TEST_EVENT = "channel.test"


def enqueue(session: Session, event: str, payload: dict[str, Any], incident_id: UUID | None, now: datetime) -> int:
    """A notification for every enabled channel; returns how many. `payload` becomes the `data` of the message."""
    enabled = [channel.id for channel in notifications.channels(session) if channel.enabled]
    for channel_id in enabled:
        notifications.add(session, channel_id, event, payload, incident_id, now)
    return len(enabled)


def enqueue_test(session: Session, channel_id: UUID, now: datetime) -> UUID:
    """A harmless notification for one channel, to see whether it arrives. Raises `channel_not_found`."""
    channel = notifications.require_channel(session, channel_id)
    payload = {"channel": channel.name, "message": "This is a test: nothing is wrong."}
    return notifications.add(session, channel.id, TEST_EVENT, payload, None, now)
