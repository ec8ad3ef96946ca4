"""What every kind of target can do: say exactly what it would be told, tell it, and say what it is seen to serve."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

import httpcore

from safelight.notifying.addresses import Reach
from safelight.store.releases import KnownRelease
from safelight.store.targets import Access
from safelight.store.versions import KnownVersion

Backend: TypeAlias = Callable[[], httpcore.NetworkBackend]
"""Makes what one exchange goes over: connections that check where they lead."""


@dataclass(frozen=True)
class Desired:
    """What a target should serve, and the release that says so."""

    release: KnownRelease
    version: KnownVersion


@dataclass(frozen=True)
class Seen:
    """What a target serves. Only what was seen counts: that it took an order says nothing about its traffic."""

    version: int | None
    """None: nothing that is known here as the version asked for."""
    detail: str


@dataclass(frozen=True)
class Taken:
    """It took what it was told, and has not said yet that it serves it."""

    detail: str


@dataclass(frozen=True)
class Unheard:
    """It did not take it, or nobody could tell: worth another attempt."""

    error: str


Reply: TypeAlias = Seen | Taken | Unheard


@dataclass(frozen=True)
class Entered:
    """What a person gave to make a target, as it is kept. `made_here`: the secret is ours, and shown once."""

    secret: str = field(repr=False)
    made_here: bool = False


@dataclass(frozen=True)
class Planned:
    """The request that would be made: what a dry run prints. It holds no secret."""

    method: str
    url: str
    content_type: str
    body: str


class Target(Protocol):
    """One kind of target. Keeps nothing: what it needs is handed to it."""

    def enter(self, url: str, secret: str, resource: dict[str, str], reach: Reach) -> Entered:
        """Raises `target_invalid`."""
        ...

    def plan(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Planned | Unheard:
        """What `tell` would send as things stand now; nothing is changed."""
        ...

    def tell(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Reply:
        """Have it serve a version, and say what it serves. Any number of times is as good as once."""
        ...

    def look(self, desired: Desired, to: Access, backend: Backend, now: datetime) -> Reply | None:
        """What it serves, changing nothing; None for a kind that speaks only when it is told something."""
        ...
