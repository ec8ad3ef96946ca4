"""What every kind of channel can do: take what a person enters, and put a message the way its receivers read it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from safelight.errors import Kind, SafelightError
from safelight.notifying.addresses import Reach
from safelight.notifying.message import Destination, Message
from safelight.notifying.sending import Request


@dataclass(frozen=True)
class Entered:
    """A channel's address as it may be shown, and its secret; `made_here` where somebody has to be told the secret."""

    url: str
    secret: str = field(repr=False)
    made_here: bool = False


class Channel(Protocol):
    """One way of telling people. Pure: sending is somebody else's."""

    @property
    def refusals(self) -> frozenset[int]:
        """Statuses by which its receivers say that the same message will never be taken."""
        ...

    @property
    def keeps_state(self) -> bool:
        """Whether a receiver takes each message for how things stand, so that an older one must not follow a newer."""
        ...

    def enter(self, url: str, secret: str, reach: Reach) -> Entered:
        """Raises `webhook_url_invalid` or `channel_invalid`."""
        ...

    def request(self, message: Message, to: Destination, now: datetime) -> Request: ...


def invalid(message: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "channel_invalid", message)


def without_secret(secret: str, why: str) -> None:
    """Raises `channel_invalid` where a secret was entered that nobody would use."""
    if secret:
        raise invalid(f"A secret was given. {why}")


def origin(url: str) -> str:
    """What may be shown of an address that is itself the secret."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/…"
