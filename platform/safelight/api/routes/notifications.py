"""Channels, what they were told, and how it went."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Admin, Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.notifications import (
    ChannelEdit,
    ChannelInfo,
    CreatedChannel,
    NewChannel,
    NotificationInfo,
    Replayed,
    Rotation,
)
from safelight.api.schemas.page import Items, Limit, Page
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.store import access, channels, notifications

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"], route_class=IdempotentRoute)
# Apart, because a kept reply would keep the secret.
secrets = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])


@router.get("/channels")
def list_channels(platform: PlatformDep, _reader: Reader) -> Items[ChannelInfo]:
    with platform.database.reading() as session:
        return Items(items=[ChannelInfo.model_validate(channel) for channel in channels.all_of(session)])


@secrets.post("/channels", status_code=201)
def create_channel(new: NewChannel, platform: PlatformDep, admin: Admin) -> CreatedChannel:
    """Make a channel. The secret that a webhook's messages are signed with is in this answer and nowhere else."""
    now = platform.clock.now()
    reach = Reach.of(platform.settings.notifying)
    secret = new.secret.get_secret_value()
    with platform.database.transaction() as session:
        made = making.create(session, new.name, new.kind, now, url=new.url, secret=secret, reach=reach)
        access.record_audit(session, now, admin.name, "channel.create", new.name, new.kind.value)
    return CreatedChannel(**vars(made.channel), secret=made.secret)


@secrets.patch("/channels/{channel_id}")
def edit_channel(channel_id: UUID, edit: ChannelEdit, platform: PlatformDep, admin: Admin) -> ChannelInfo:
    """Change its name, where it leads, or PagerDuty's key. What waits to be told goes to the new address at once."""
    now = platform.clock.now()
    reach = Reach.of(platform.settings.notifying)
    secret = edit.secret.get_secret_value() if edit.secret else None
    wanted = making.Edit(edit.name, edit.url, secret)
    with platform.database.transaction() as session:
        edited = making.edit(session, channel_id, edit.expected_revision, wanted, now, reach=reach)
        if edited.changed:
            access.record_audit(session, now, admin.name, "channel.edit", edited.channel.name, edited.changed)
    return ChannelInfo.model_validate(edited.channel)


@secrets.post("/channels/{channel_id}/rotate")
def rotate_secret(
    channel_id: UUID, platform: PlatformDep, admin: Admin, rotation: Rotation | None = None
) -> CreatedChannel:
    """Sign with a new secret, which is in this answer and nowhere else, and for a while with the previous one too."""
    now, hours = platform.clock.now(), (rotation or Rotation()).overlap_hours
    with platform.database.transaction() as session:
        made = making.rotate(session, channel_id, now, timedelta(hours=hours))
        said = f"The previous secret counts for {hours:g} h."
        access.record_audit(session, now, admin.name, "channel.rotate", made.channel.name, said)
    return CreatedChannel(**vars(made.channel), secret=made.secret)


@router.post("/channels/{channel_id}/enable")
def enable_channel(channel_id: UUID, platform: PlatformDep, admin: Admin) -> ChannelInfo:
    with platform.database.transaction() as session:
        channel = channels.enable(session, channel_id)
        access.record_audit(session, platform.clock.now(), admin.name, "channel.enable", channel.name)
    return ChannelInfo.model_validate(channel)


@router.post("/channels/{channel_id}/disable")
def disable_channel(channel_id: UUID, platform: PlatformDep, admin: Admin) -> ChannelInfo:
    """Tell it nothing more; what it was still to be told is given up."""
    with platform.database.transaction() as session:
        channel = notifications.disable_channel(session, channel_id, f"Disabled by {admin.name}.")
        access.record_audit(session, platform.clock.now(), admin.name, "channel.disable", channel.name)
    return ChannelInfo.model_validate(channel)


@router.post("/channels/{channel_id}/test", status_code=202)
def send_test(channel_id: UUID, platform: PlatformDep, _operator: Operator) -> NotificationInfo:
    """Send it a harmless message."""
    with platform.database.transaction() as session:
        identifier = outbox.enqueue_test(session, channel_id, platform.clock.now())
        return NotificationInfo.model_validate(notifications.get(session, identifier))


@router.post("/channels/{channel_id}/replay", status_code=202)
def replay_failed(channel_id: UUID, platform: PlatformDep, operator: Operator) -> Replayed:
    """Send a channel again what it was not told, the newest 500 of it, each under its own id."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        replayed = outbox.replay_all(session, channel_id, now)
        name = channels.require(session, channel_id).name
        access.record_audit(session, now, operator.name, "channel.replay", name, f"{replayed} notifications")
    return Replayed(replayed=replayed)


@router.get("")
def list_notifications(
    platform: PlatformDep,
    _reader: Reader,
    before: UUID | None = None,
    limit: Limit = 50,
    incident_id: UUID | None = None,
    channel_id: UUID | None = None,
    state: notifications.State | None = None,
) -> Page[NotificationInfo]:
    """The newest first, each with its deliveries; `state=failed` lists the dead letters."""
    with platform.database.reading() as session:
        found = notifications.page(session, before, limit, incident_id=incident_id, channel_id=channel_id, state=state)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[NotificationInfo.model_validate(each) for each in found], next=last)


@router.post("/{notification_id}/replay", status_code=202)
def replay(notification_id: UUID, platform: PlatformDep, _operator: Operator) -> NotificationInfo:
    """Send a failed one again, under its own id."""
    with platform.database.transaction() as session:
        return NotificationInfo.model_validate(outbox.replay(session, notification_id, platform.clock.now()))
