"""Links to small images that open without a key: signed, each for one image, and for a week."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

LIFE = timedelta(days=7)


@dataclass(frozen=True)
class ThumbnailLinks:
    """Makes the links that one channel's messages carry. They end with their time, or with the channel."""

    public_url: str
    channel_id: UUID
    key: str = field(repr=False)
    now: datetime

    def __call__(self, generation_id: str) -> str:
        expires = int((self.now + LIFE).timestamp())
        signature = sign(self.key, self.channel_id, UUID(generation_id), expires)
        path = f"/api/v1/notifications/channels/{self.channel_id}/images/{generation_id}"
        return f"{self.public_url}{path}?expires={expires}&signature={signature}"


def sign(key: str, channel_id: UUID, generation_id: UUID, expires: int) -> str:
    return hmac.new(key.encode(), f"{channel_id}/{generation_id}/{expires}".encode(), sha256).hexdigest()


def opens(key: str, channel_id: UUID, generation_id: UUID, expires: int, signature: str, now: datetime) -> bool:
    """Whether a link was made here and has not expired."""
    genuine = hmac.compare_digest(sign(key, channel_id, generation_id, expires).encode(), signature.encode())
    return genuine and bool(key) and now.timestamp() < expires
