"""The file behind the journal: a SQLite database of its own, beside the process that writes it."""

import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from uuid import UUID

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    recorded_at REAL NOT NULL,
    document TEXT NOT NULL,
    image BLOB
);
CREATE TABLE IF NOT EXISTS refused (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    recorded_at REAL NOT NULL,
    document TEXT NOT NULL,
    image BLOB,
    reason TEXT NOT NULL
);
"""
_KEPT_FREE_BYTES = 64 * 1024 * 1024
# Pages given back at once: as many as SQLite's cache holds. What it spilled would need the very disk that is full.
_GIVEN_BACK_PAGES = 256
_LOCK_TIMEOUT_SECONDS = 30.0
# Taking entries out is a write, too. A journal that filled its disk to the last byte could never be emptied again.
_SPARE_BYTES = 8 * 1024 * 1024


class JournalUnwritable(Exception):
    """The journal is full, or its disk is, or does not answer. Nothing of the batch was kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one generation until it is shipped: its JSON and the bytes of its image."""

    id: UUID
    recorded_at: datetime
    document: str
    image: bytes | None

    @property
    def size(self) -> int:
        return len(self.document) + len(self.image or b"")


@dataclass(frozen=True)
class Backlog:
    """What waits in the journal. `capacity` is what `bytes` can grow to: its limit, or less where the disk is small."""

    entries: int
    refused: int
    bytes: int
    capacity: int
    oldest: datetime | None

    @property
    def fill(self) -> float:
        """From 0 for an empty journal to 1 for one that takes nothing more."""
        return min(self.bytes / self.capacity, 1.0) if self.capacity else 1.0


class JournalFile:
    """One connection to the journal. Threads may share it; a process that writes and ships opens it twice."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Opens the journal in `folder`, both made when missing. Raises OSError or sqlite3.Error where it cannot."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._connection = sqlite3.connect(
            folder / "journal.db", timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        # Only the first connection to an empty file decides this one; later it does nothing.
        self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA journal_size_limit = {_KEPT_FREE_BYTES}")
        # Where SQLite is built to overwrite what it deletes, taking entries out would need as much disk again as they
        # did: a full one could never be emptied.
        self._connection.execute("PRAGMA secure_delete = OFF")
        self._connection.executescript(_SCHEMA)
        self._page_bytes = self._pragma("page_size")
        self._connection.execute(f"PRAGMA max_page_count = {max_bytes // self._page_bytes}")

    def append(self, entries: Sequence[Entry]) -> None:
        """Keeps all entries, durably, in one commit. One whose id is kept already is left as it stands.

        Raises JournalUnwritable, and then keeps none.
        """
        rows = [(str(e.id), e.recorded_at.timestamp(), e.document, e.image) for e in entries]
        try:
            self._require_room(sum(entry.size for entry in entries))
            with self._transaction() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO entries (id, recorded_at, document, image) VALUES (?, ?, ?, ?)", rows
                )
        except (sqlite3.Error, OSError) as error:
            raise JournalUnwritable(str(error)) from error

    def head(self, limit: int, max_bytes: int) -> list[Entry]:
        """The oldest entries, at most `limit`, and no more than fit `max_bytes` of memory (but one at least)."""
        batch: list[Entry] = []
        size = 0
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, recorded_at, document, image FROM entries ORDER BY seq LIMIT ?", (limit,)
            )
            for identifier, at, document, image in rows:
                entry = Entry(UUID(identifier), datetime.fromtimestamp(at, UTC), document, image)
                size += entry.size
                if batch and size > max_bytes:
                    break
                batch.append(entry)
            rows.close()
        return batch

    def find(self, identifier: UUID) -> Entry | None:
        """An entry that has not been shipped yet."""
        with self._lock:
            row = self._connection.execute(
                "SELECT recorded_at, document, image FROM entries WHERE id = ?", (str(identifier),)
            ).fetchone()
        return None if row is None else Entry(identifier, datetime.fromtimestamp(row[0], UTC), row[1], row[2])

    def remove(self, ids: Sequence[UUID]) -> None:
        """Forgets entries that have arrived where they go. After a power cut some may be back: they have arrived."""
        with self._transaction(durable=False) as connection:
            connection.executemany("DELETE FROM entries WHERE id = ?", [(str(identifier),) for identifier in ids])
        # After an outage the file is large and empty; everyday traffic reuses its free pages.
        with self._lock:
            unused = self._pragma("freelist_count") * self._page_bytes
        if unused > _KEPT_FREE_BYTES:
            self._give_space_back()

    def refuse(self, identifier: UUID, reason: str) -> None:
        """Sets an entry aside that the database will never take, so that those behind it can pass. It is kept."""
        columns = "seq, id, recorded_at, document, image"
        with self._transaction() as connection:
            connection.execute(
                f"INSERT INTO refused ({columns}, reason) SELECT {columns}, ? FROM entries WHERE id = ?",  # noqa: S608 - constants
                (reason, str(identifier)),
            )
            connection.execute("DELETE FROM entries WHERE id = ?", (str(identifier),))

    def set_aside(self) -> list[tuple[UUID, str]]:
        """The ids and documents of what was refused."""
        with self._lock:
            rows = self._connection.execute("SELECT id, document FROM refused ORDER BY seq").fetchall()
        return [(UUID(identifier), document) for identifier, document in rows]

    def forget_set_aside(self, ids: Collection[UUID]) -> None:
        with self._transaction() as connection:
            connection.executemany("DELETE FROM refused WHERE id = ?", [(str(identifier),) for identifier in ids])

    def backlog(self) -> Backlog:
        with self._lock:
            entries, oldest = self._connection.execute(
                "SELECT (SELECT count(*) FROM entries), (SELECT recorded_at FROM entries ORDER BY seq LIMIT 1)"
            ).fetchone()
            (refused,) = self._connection.execute("SELECT count(*) FROM refused").fetchone()
            pages, unused = self._pragma("page_count"), self._pragma("freelist_count")
        room = max(self._free() - _SPARE_BYTES, 0) // 2 + pages * self._page_bytes
        return Backlog(
            entries,
            refused,
            (pages - unused) * self._page_bytes,
            min(self._max_bytes, room),
            None if oldest is None else datetime.fromtimestamp(oldest, UTC),
        )

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _require_room(self, size: int) -> None:
        """On the disk an entry needs its place twice for a while: in the write-ahead log and in the file."""
        if self._free() < 2 * size + _SPARE_BYTES:
            self._give_space_back()
            if self._free() < 2 * size + _SPARE_BYTES:
                raise JournalUnwritable(f"the disk is full: {self._free()} bytes are free for {size} more")

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock:
            # FULL makes the commit wait for the disk: that wait is what an acknowledgement means.
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back when the disk is full; a second ROLLBACK would be an error.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _give_space_back(self) -> None:
        # What was removed is removed, also where the disk is so full that the file cannot be made smaller now.
        with self._lock, suppress(sqlite3.OperationalError):
            while self._pragma("freelist_count"):
                # execute() would stop after the first page: the statement has no rows to fetch.
                self._connection.executescript(f"PRAGMA incremental_vacuum({_GIVEN_BACK_PAGES})")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return int(value)
