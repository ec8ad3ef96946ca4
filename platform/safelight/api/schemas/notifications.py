"""Channels, notifications and their deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from safelight.api.schemas.access import ShortName


class NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: ShortName
    url: str = Field(max_length=2000, description="Where to POST; https unless private addresses are allowed")


class ChannelInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    url: str
    enabled: bool
    disabled_reason: str
    created_at: datetime


class CreatedChannel(ChannelInfo):
    """The one time a channel's signing secret is shown."""

    secret: str


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
