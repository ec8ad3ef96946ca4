"""Group commit: whoever waits for the disk takes everybody along who came meanwhile."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from safelight.store.journal import Backlog, Entry, JournalFile

# A group is held in memory twice while it is written; SQLite's write-ahead log grows by as much.
_GROUP_BYTES = 64 * 1024 * 1024


class Journal:
    """Makes entries durable, many of them with one commit."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._waiting: deque[tuple[Sequence[Entry], Future[None]]] = deque()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")

    def append(self, entries: Sequence[Entry]) -> Future[None]:
        """A future that is done once all of them are on disk, or fails with JournalUnwritable: then none is."""
        done: Future[None] = Future()
        # From here on they are written whether or not anybody still waits.
        done.set_running_or_notify_cancel()
        self._waiting.append((entries, done))
        self._writer.submit(self._commit_group)
        return done

    def find(self, identifier: UUID) -> Entry | None:
        """An entry that has not been shipped yet. Waits for the disk where a commit is under way."""
        return self._file.find(identifier)

    def backlog(self) -> Backlog:
        """What waits to be shipped. Waits for the disk where a commit is under way."""
        return self._file.backlog()

    def close(self) -> None:
        """Writes what waits and lets the file go."""
        self._writer.shutdown(wait=True)
        self._file.close()

    def _commit_group(self) -> None:
        group = self._take_group()
        if not group:
            return  # an earlier commit took this call's entries along
        try:
            self._file.append([entry for entries, _ in group for entry in entries])
        except Exception as error:  # noqa: BLE001 - whatever it was, somebody waits for the answer
            for _, done in group:
                done.set_exception(error)
        else:
            for _, done in group:
                done.set_result(None)

    def _take_group(self) -> list[tuple[Sequence[Entry], "Future[None]"]]:
        group: list[tuple[Sequence[Entry], Future[None]]] = []
        size = 0
        while self._waiting and size < _GROUP_BYTES:
            entries, done = self._waiting.popleft()
            group.append((entries, done))
            size += sum(entry.size for entry in entries)
        return group
