"""What a channel is told, and where: the same for every kind of channel."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """What a channel is told. The id stays the same over all attempts, so that a receiver can tell repeats."""

    id: UUID
    event: str
    created_at: datetime
    data: dict[str, Any]


class Thumbnails(Protocol):
    """Makes links to small images that open without a key, for a while."""

    def __call__(self, generation_id: str, /) -> str: ...


@dataclass(frozen=True)
class Destination:
    """Where a channel's messages go and what they are believed by. `secrets` are those valid now, the newest first.

    `thumbnail` is None where no link of ours could be opened from outside.
    """

    channel_id: UUID
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    thumbnail: Thumbnails | None = field(default=None, repr=False)


def compact(document: dict[str, Any] | list[Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
