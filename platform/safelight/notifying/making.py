"""Making, editing and rotating channels: addresses are checked, and a signing secret is shown once."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from safelight.errors import Kind, SafelightError
from safelight.notifying.addresses import Reach
from safelight.notifying.channel import Entered
from safelight.notifying.kinds import KINDS
from safelight.notifying.webhook import new_secret
from safelight.store import channels, notifications
from safelight.store.channels import Access, ChannelKind, KnownChannel
from safelight.store.database import Session

OVERLAP = timedelta(hours=24)
"""How long the previous secret counts after a rotation, unless somebody says otherwise."""


@dataclass(frozen=True)
class NewChannel:
    """A channel, and the secret its receiver verifies signatures with, where there is one that was just made."""

    channel: KnownChannel
    secret: str | None = field(repr=False)


@dataclass(frozen=True)
class Edit:
    """What is to be another of a channel. None stays as it is, and so does an empty secret; the kind does always."""

    name: str | None = None
    url: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Edited:
    """A channel after an edit, and what was changed, in words that tell no secret; empty where nothing was."""

    channel: KnownChannel
    changed: str


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


def edit(session: Session, identifier: UUID, revision: int, wanted: Edit, now: datetime, *, reach: Reach) -> Edited:
    """Change a channel that was seen at a revision. What waits to be told is told at once, where it leads elsewhere.

    Raises `channel_not_found`, `channel_changed`, `webhook_url_invalid`, `channel_invalid` or `channel_exists`.
    """
    before, access = channels.for_edit(session, identifier, revision, now)
    entered = _entered(access, wanted, reach)
    name = before.name if wanted.name is None else wanted.name
    other_secret = entered.secret != access.secrets[0]
    changes = {
        f"called {before.name} before": name != before.name,
        f"at {before.url} before": entered.url != before.url,
        "its secret is another": other_secret,
    }
    changed = "; ".join(said for said, is_so in changes.items() if is_so)
    if not changed:
        return Edited(before, changed)
    after = channels.edit(session, identifier, name, entered.url, entered.secret)
    if other_secret or after.url != before.url:
        notifications.hasten(session, identifier, now)
    return Edited(after, changed)


def _entered(access: Access, wanted: Edit, reach: Reach) -> Entered:
    """As if the channel were made anew with what is wanted and what stays; a secret that was made here stays."""
    [secret, *_] = access.secrets
    if wanted.url is None and not wanted.secret:
        return Entered(access.url, secret)
    url = access.url if wanted.url is None else wanted.url
    # PagerDuty's secret was entered beside its address; elsewhere it is the address, or was made here.
    beside = secret if access.kind is ChannelKind.PAGERDUTY else ""
    entered = KINDS[access.kind].enter(url, wanted.secret or beside, reach)
    return replace(entered, secret=secret) if entered.made_here else entered


def rotate(session: Session, identifier: UUID, now: datetime, overlap: timedelta = OVERLAP) -> NewChannel:
    """Sign with a new secret. For `overlap` each message is signed with the previous one too, so that none is missed
    while the receiver changes over; with no overlap the previous one is worth nothing at once.

    Raises `channel_not_found` or `channel_not_signed`.
    """
    if channels.require(session, identifier).kind is not ChannelKind.WEBHOOK:
        raise SafelightError(
            Kind.CONFLICT,
            "channel_not_signed",
            "Only what a webhook is told is signed with a secret of ours. Edit the channel to change its address or "
            "its key.",
        )
    secret = new_secret()
    return NewChannel(channels.rotate_secret(session, identifier, secret, now + overlap), secret)
