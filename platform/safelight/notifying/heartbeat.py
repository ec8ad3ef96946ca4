"""A dead man's switch: somebody outside expects to hear of us, and calls people when it does not.

Healthchecks, Dead Man's Snitch, Cronitor and their like take any POST to an address that is the secret.
"""

from datetime import datetime

from safelight.notifying.addresses import Reach, check_url
from safelight.notifying.channel import Entered, origin, without_secret
from safelight.notifying.message import Destination, Message, compact
from safelight.notifying.sending import Request


class Heartbeat:
    """Is told nothing but that Safelight watches."""

    refusals: frozenset[int] = frozenset()
    keeps_state = False

    def enter(self, url: str, secret: str, reach: Reach) -> Entered:
        without_secret(secret, "A heartbeat has none but its address.")
        check_url(url, reach)
        return Entered(origin(url), url)

    def request(self, message: Message, to: Destination, now: datetime) -> Request:
        return Request(to.secrets[0], compact({"type": message.event, "timestamp": now.isoformat()}))
