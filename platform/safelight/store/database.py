"""Connections and transactions. One request or job is one transaction, committed at its edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError as ValueRefused
from sqlalchemy.exc import IntegrityError as Collision
from sqlalchemy.exc import OperationalError as StoreAway
from sqlalchemy.exc import SQLAlchemyError as StoreError
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

__all__ = [
    "Collision",
    "Database",
    "Session",
    "StatementError",
    "StoreAway",
    "StoreError",
    "ValueRefused",
    "server_time",
]


class Database:
    """A database, SQLite or PostgreSQL, and the ways to open a transaction on it.

    Its errors quote statements without their values, which are people's prompts and channels' secrets: they are logged.
    """

    def __init__(self, url: str, lock_timeout_seconds: float = 5.0) -> None:
        """Nothing is connected before the first transaction."""
        self._engine = _sqlite(url, lock_timeout_seconds) if _is_sqlite(url) else _postgres(url, lock_timeout_seconds)
        self._readers = self._engine.execution_options(safelight_begin="BEGIN")

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A read-write transaction: committed when the block ends, rolled back when it raises."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads and always rolls back."""
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    def dispose(self) -> None:
        self._engine.dispose()


def server_time(session: Session) -> datetime:
    """What time the database server believes it is; PostgreSQL only."""
    moment: datetime = session.execute(select(func.now())).scalar_one()
    return moment.astimezone(UTC)


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _sqlite(url: str, lock_timeout_seconds: float) -> Engine:
    connecting = {"timeout": lock_timeout_seconds, "check_same_thread": False}
    # As many are kept as threads ask at once: one that is opened reads all of the schema with its first statement.
    engine = create_engine(url, hide_parameters=True, pool_size=20, max_overflow=20, connect_args=connecting)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN would be DEFERRED; transactions are opened by hand instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: an orderly wait instead of a late "database is locked".
        connection.exec_driver_sql(connection.get_execution_options().get("safelight_begin", "BEGIN IMMEDIATE"))

    return engine


def _postgres(url: str, lock_timeout_seconds: float) -> Engine:
    connecting = {"options": f"-c lock_timeout={int(lock_timeout_seconds * 1000)} -c timezone=UTC"}
    engine = create_engine(
        url, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=20, connect_args=connecting
    )

    @event.listens_for(engine, "handle_error")
    def keep_first_line(context: ExceptionContext) -> None:
        # In the lines below it PostgreSQL quotes the whole row that it refuses.
        for error in (context.original_exception, context.sqlalchemy_exception):
            if error is not None and error.args:
                error.args = (str(error.args[0]).partition("\n")[0],)

    return engine
