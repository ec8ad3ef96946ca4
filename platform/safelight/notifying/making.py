"""Making a channel and rotating its secret: addresses are checked, and a signing secret is shown once."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from safelight.errors import Kind, SafelightError
from safelight.notifying.addresses import Reach
from safelight.notifying.kinds import KINDS
from safelight.notifying.webhook import new_secret
from safelight.store import channels
from safelight.store.channels import ChannelKind, KnownChannel
from safelight.store.database import Session

OVERLAP = timedelta(hours=24)
"""How long the previous secret counts after a rotation, unless somebody says otherwise."""


@dataclass(frozen=True)
class NewChannel:
    """A channel, and the secret its receiver verifies signatures with, where there is one that was just made."""

    channel: KnownChannel
    secret: str | None = field(repr=False)


def create(
    session: Session,
    name: str,
    kind: ChannelKind,
    now: datetime,
    *,
    url: str = "",
    secret: str = "",
    reach: Reach,
) -> NewChannel:
    """Raises `webhook_url_invalid`, `channel_invalid` or `channel_exists`."""
    entered = KINDS[kind].enter(url, secret, reach)
    link_key = secrets.token_urlsafe(32)
    channel = channels.add(session, name, kind, entered.url, entered.secret, link_key, now)
    return NewChannel(channel, entered.secret if entered.made_here else None)


def rotate(session: Session, identifier: UUID, now: datetime, overlap: timedelta = OVERLAP) -> NewChannel:
    """Sign with a new secret. For `overlap` each message is signed with the previous one too, so that none is missed
    while the receiver changes over; with no overlap the previous one is worth nothing at once.

    Raises `channel_not_found` or `channel_not_signed`.
    """
    if channels.require(session, identifier).kind is not ChannelKind.WEBHOOK:
        raise SafelightError(
            Kind.CONFLICT,
            "channel_not_signed",
            "Only what a webhook is told is signed with a secret of ours. Make a channel anew to change its address "
            "or its key.",
        )
    secret = new_secret()
    return NewChannel(channels.rotate_secret(session, identifier, secret, now + overlap), secret)
