"""Making a channel: its address is checked, its signing secret is made here and shown once."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

from safelight.notifying.addresses import check_url
from safelight.store import notifications
from safelight.store.database import Session
from safelight.store.notifications import KnownChannel

# The specification asks for 24 to 64 random bytes.
_SECRET_BYTES = 32


@dataclass(frozen=True)
class NewChannel:
    """A channel just made, and the secret its receiver verifies signatures with."""

    channel: KnownChannel
    secret: str


def create(session: Session, name: str, url: str, now: datetime, *, allow_private: bool) -> NewChannel:
    """Raises `webhook_url_invalid` or `channel_exists`."""
    check_url(url, allow_private=allow_private)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
    return NewChannel(notifications.add_channel(session, name, url, secret, now), secret)
