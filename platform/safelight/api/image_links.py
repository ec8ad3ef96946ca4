"""Links to images that open without a key: signed, each for one image, and for a while."""

import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from pydantic import SecretStr


class Link(StrEnum):
    """What a link is worth."""

    OPENS = "opens"
    INVALID = "link_invalid"
    EXPIRED = "link_expired"


class ImageLinks:
    """Makes and checks them. Every process that shares the key opens what another has signed."""

    def __init__(self, public_url: str, key: SecretStr, life: timedelta) -> None:
        self._public_url = public_url
        self._key = key
        self._life = life

    def url(self, generation_id: UUID, now: datetime) -> str:
        expires = int((now + self._life).timestamp())
        signature = self._sign(generation_id, expires)
        return f"{self._public_url}/v1/images/{generation_id}?expires={expires}&signature={signature}"

    def check(self, generation_id: UUID, expires: int, signature: str, now: datetime) -> Link:
        """Whether the link to an image was made here, and is still good."""
        if not hmac.compare_digest(self._sign(generation_id, expires).encode(), signature.encode()):
            return Link.INVALID
        return Link.OPENS if now.timestamp() < expires else Link.EXPIRED

    def _sign(self, generation_id: UUID, expires: int) -> str:
        message = f"image {generation_id} until {expires}"
        return hmac.new(self._key.get_secret_value().encode(), message.encode(), sha256).hexdigest()
