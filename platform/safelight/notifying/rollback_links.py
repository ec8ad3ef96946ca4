"""Links in messages that roll back: signed, for one change of what serves, for a while, and to be used once.

The token stands in the address's fragment, which browsers keep to themselves: it is in no server's log and no referrer.
Opening the address shows a page and changes nothing; the page's button does, by sending the token.
"""

import base64
import binascii
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from safelight.notifying.facts import Facts
from safelight.notifying.message import Message

_LONGEST = 2_000


@dataclass(frozen=True)
class Claim:
    """What a token is for. `nonce` is the message's id: however often a message is sent, its link works once.

    `expires` is in seconds since 1970. `serving` is the version that served when the message was written.
    """

    channel_id: UUID
    nonce: UUID
    incident_id: UUID
    generator: str
    serving: int
    target: int
    expires: int


@dataclass(frozen=True)
class RollbackLinks:
    """Makes the links that messages carry."""

    public_url: str
    life: timedelta

    def put_into(self, message: Message, channel_id: UUID, key: str, now: datetime) -> Message:
        """The message with a link that rolls back, where it offers a way back and its reader could open a link."""
        facts = Facts.read(message.data)
        if facts is None or not (self.public_url and self.life and key) or facts.resolved_at is not None:
            return message
        if facts.rollback is None or facts.suspect_version is None or facts.suggested_target is None:
            return message
        claim = Claim(
            channel_id=channel_id,
            nonce=message.id,
            incident_id=UUID(facts.incident_id),
            generator=facts.generator,
            serving=facts.suspect_version,
            target=facts.suggested_target,
            expires=int((now + self.life).timestamp()),
        )
        links = message.data["links"] | {"rollback": f"{self.public_url}/rollback#{seal(key, claim)}"}
        return replace(message, data=message.data | {"links": links})


def seal(key: str, claim: Claim) -> str:
    """The token: the claim and its signature (HMAC-SHA-256), each in URL-safe base64."""
    content = json.dumps(asdict(claim), default=str, separators=(",", ":"), sort_keys=True).encode()
    return f"{_encoded(content)}.{_encoded(_signature(key, content))}"


def read(token: str) -> Claim | None:
    """What a token says of itself, which `is_genuine` alone proves; None for what is no token."""
    content = _parts(token)[0]
    try:
        told = json.loads(content)
        return Claim(
            channel_id=UUID(told["channel_id"]),
            nonce=UUID(told["nonce"]),
            incident_id=UUID(told["incident_id"]),
            generator=str(told["generator"]),
            serving=_whole(told["serving"]),
            target=_whole(told["target"]),
            expires=_whole(told["expires"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def is_genuine(key: str, token: str) -> bool:
    """Whether a token was made with this key."""
    content, signature = _parts(token)
    return bool(key) and hmac.compare_digest(_signature(key, content), signature)


def _signature(key: str, content: bytes) -> bytes:
    # Named, so that what signs images' links too never signs one for the other.
    return hmac.new(key.encode(), b"rollback " + content, sha256).digest()


def _parts(token: str) -> tuple[bytes, bytes]:
    """Content and signature; empty where there are none."""
    content, dot, signature = token.partition(".")
    if not dot or len(token) > _LONGEST:
        return b"", b""
    return _decoded(content), _decoded(signature)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value
