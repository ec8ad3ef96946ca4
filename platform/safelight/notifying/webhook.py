"""Any receiver of one's own: a signed POST, as the Standard Webhooks specification wants it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import secrets
from datetime import datetime

from standardwebhooks import Webhook

from safelight.notifying.addresses import Reach, check_url
from safelight.notifying.channel import Entered, without_secret
from safelight.notifying.message import Destination, Message, compact
from safelight.notifying.sending import Request

# The specification asks for 24 to 64 random bytes.
_SECRET_BYTES = 32


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


class SignedWebhook:
    """Signs with every secret that is valid, so that a receiver may change over at any time of a rotation."""

    refusals: frozenset[int] = frozenset()
    """None: the specification takes everything but 410 for something that may pass."""
    keeps_state = False

    def enter(self, url: str, secret: str, reach: Reach) -> Entered:
        check_url(url, reach)
        without_secret(secret, "A webhook's is made here and shown once.")
        return Entered(url, new_secret(), made_here=True)

    def request(self, message: Message, to: Destination, now: datetime) -> Request:
        document = {"type": message.event, "timestamp": message.created_at.isoformat(), "data": message.data}
        body = compact(document)
        signatures = [Webhook(secret).sign(str(message.id), now, body.decode()) for secret in to.secrets]
        headers = (
            ("webhook-id", str(message.id)),
            ("webhook-timestamp", str(int(now.timestamp()))),
            ("webhook-signature", " ".join(signatures)),
        )
        return Request(to.url, body, headers)
