"""One signed POST to a webhook, as the Standard Webhooks specification wants it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpcore
from standardwebhooks import Webhook

from safelight.notifying.connection import ForbiddenAddress
from safelight.notifying.retry import Answered, Failure, Outcome


@dataclass(frozen=True)
class Message:
    """What a channel is told. The id stays the same over all attempts, so that a receiver can tell repeats."""

    id: UUID
    event: str
    created_at: datetime
    data: dict[str, Any]

    def body(self) -> bytes:
        document = {"type": self.event, "timestamp": self.created_at.isoformat(), "data": self.data}
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def send(
    message: Message, url: str, secret: str, now: datetime, backend: Callable[[], httpcore.NetworkBackend]
) -> Outcome:
    """Posts the message. The answer's body is not read, redirects are not followed, no connection is kept."""
    body = message.body()
    headers = [
        ("content-type", "application/json"),
        ("user-agent", "Safelight"),
        ("webhook-id", str(message.id)),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", Webhook(secret).sign(str(message.id), now, body.decode())),
    ]
    try:
        with (
            httpcore.ConnectionPool(network_backend=backend()) as pool,
            pool.stream("POST", url, headers=headers, content=body) as response,
        ):
            return Answered(response.status, _retry_after(response, now))
    except ForbiddenAddress:
        return Failure.FORBIDDEN_ADDRESS
    except httpcore.TimeoutException:
        return Failure.TIMEOUT
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        return Failure.UNREACHABLE


def _retry_after(response: httpcore.Response, now: datetime) -> timedelta | None:
    """RFC 9110, section 10.2.3: seconds, or a date."""
    value = dict(response.headers).get(b"Retry-After", b"").decode("ascii", "replace").strip()
    if value.isdigit():
        return timedelta(seconds=min(int(value), 10**9))
    try:
        return max(parsedate_to_datetime(value) - now, timedelta(0))
    except (ValueError, TypeError):
        return None
