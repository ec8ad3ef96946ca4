"""Whether there is anything new to look for, for whoever looks many times a second."""

from typing import Any

from safelight.store.database import Database


class Changes:
    """Tells whether anything was written since it was last asked, by whatever process.

    SQLite counts that in memory (`PRAGMA data_version`) and tells for a tenth of what a query costs. PostgreSQL does
    not tell: there it always may have been. One thread at a time may ask.
    """

    def __init__(self, database: Database) -> None:
        """Nothing is connected yet."""
        self._database = database
        # One of its own, for life: the count is of what other connections write.
        self._connection: Any = None
        self._version: int | None = None

    def happened(self) -> bool:
        """True the first time. Ask before reading: what is written meanwhile is told of the next time."""
        if not self._database.is_sqlite:
            return True
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
        before, (self._version,) = self._version, self._connection.cursor().execute("PRAGMA data_version").fetchone()
        return self._version != before
