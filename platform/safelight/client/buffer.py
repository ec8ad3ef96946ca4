"""What waits to be sent: bounded in memory, and honest about what it lets go."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any
from uuid import UUID


class Dropped(StrEnum):
    """Why a record was let go."""

    FULL = "full"
    """There was no room; the oldest make it."""
    INVALID = "invalid"
    """It cannot be written as JSON."""
    TOO_LARGE = "too_large"
    """Alone it is more than Safelight takes."""
    REFUSED = "refused"
    """Safelight said no, and would say so again."""
    UNSENT = "unsent"
    """The process ended first."""


@dataclass(frozen=True, eq=False)
class Record:
    """One generation as its caller told it. `size` is about what it takes in memory."""

    id: UUID
    fields: dict[str, Any]
    image: bytes | None
    size: int


class Buffer:
    """The oldest first. Any thread may use it, and none of them waits for another longer than a few moves take.

    Whatever is taken is owed an end: `sent`, `drop` or `put_back`.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[Record] = deque()
        self._bytes = 0
        self._taken = 0
        self._sent = 0
        self._dropped: Counter[Dropped] = Counter()
        self._closed = False
        self._lock = Lock()

    @property
    def counts(self) -> tuple[int, int, int, dict[Dropped, int]]:
        """Records that are not dealt with, the bytes of those that wait, records sent, and dropped."""
        with self._lock:
            return len(self._waiting) + self._taken, self._bytes, self._sent, dict(self._dropped)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, record: Record) -> None:
        with self._lock:
            self._waiting.append(record)
            self._bytes += record.size
            self._make_room()

    def refuse(self, why: Dropped) -> None:
        """Count one that never came in."""
        with self._lock:
            self._dropped[why] += 1

    def take(self, most: int, most_bytes: int) -> list[Record]:
        """The oldest: at most so many and no more bytes, but one at least where there is one."""
        taken: list[Record] = []
        with self._lock:
            size = 0
            while self._waiting and len(taken) < most:
                size += self._waiting[0].size
                if taken and size > most_bytes:
                    break
                taken.append(self._waiting.popleft())
            self._bytes -= sum(record.size for record in taken)
            self._taken += len(taken)
        return taken

    def sent(self, count: int) -> None:
        with self._lock:
            self._taken -= count
            self._sent += count

    def drop(self, why: Dropped, count: int) -> None:
        with self._lock:
            self._taken -= count
            self._dropped[why] += count

    def put_back(self, records: Sequence[Record]) -> None:
        """They go first again, as far as there is room by now."""
        with self._lock:
            self._taken -= len(records)
            self._waiting.extendleft(reversed(records))
            self._bytes += sum(record.size for record in records)
            self._make_room()

    def close(self) -> None:
        """Let go of all that waits, and of all that comes: nobody will send it."""
        with self._lock:
            self._closed = True
            self._make_room()

    def _make_room(self) -> None:
        while self._waiting and (self._closed or len(self._waiting) > self._most or self._bytes > self._most_bytes):
            self._bytes -= self._waiting.popleft().size
            self._dropped[Dropped.UNSENT if self._closed else Dropped.FULL] += 1
