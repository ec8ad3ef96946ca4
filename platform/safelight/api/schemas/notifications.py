"""Channels, notifications and their deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from safelight.api.schemas.access import ShortName
from safelight.store.channels import ChannelKind


class NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: ShortName
    kind: ChannelKind = ChannelKind.WEBHOOK
    url: str = Field(
        "",
        max_length=2000,
        description="Where to POST; https unless private networks are allowed. PagerDuty has its own",
    )
    secret: SecretStr = Field(
        SecretStr(""), max_length=200, description="PagerDuty's integration key; never shown. Other kinds have none"
    )


class ChannelEdit(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    expected_revision: int = Field(ge=1, description="The `revision` you saw; 409 `channel_changed` if it is another")
    name: ShortName | None = None
    url: str | None = Field(None, max_length=2000, description="As of a new channel, and checked like one")
    secret: SecretStr | None = Field(
        None, max_length=200, description="PagerDuty's integration key. A webhook's is rotated, other kinds have none"
    )


class ChannelInfo(BaseModel):
    """A channel. Of an address that is itself the secret only the beginning is shown."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    kind: ChannelKind
    url: str
    enabled: bool
    disabled_reason: str
    created_at: datetime
    previous_secret_until: datetime | None = Field(description="Until then messages are signed with two secrets")
    last_beat_at: datetime | None = Field(description="When a heartbeat was last heard")
    last_beat_error: str = Field(description="Why the newest heartbeat was not heard; empty where it was")
    revision: int = Field(description="Grows with each edit")


class CreatedChannel(ChannelInfo):
    """The one time a channel's signing secret is shown; null for a kind whose messages we do not sign."""

    secret: str | None


class Rotation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(24.0, ge=0, le=168, description="How long the previous secret counts as well")


class Replayed(BaseModel):
    """How many failed notifications are sent again."""

    replayed: int


class DeliveryInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    attempt: int
    at: datetime
    duration_ms: float
    status: int | None
    error: str


class NotificationInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    channel_id: UUID
    event: str
    incident_id: UUID | None
    payload: dict[str, Any]
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    deliveries: list[DeliveryInfo]
