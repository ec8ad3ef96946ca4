"""Brings a database to the schema this code was written for."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, text

from safelight.errors import Kind, SafelightError
from safelight.store.database import Database

# Any number will do, as long as every process that upgrades asks for the same lock.
_UPGRADE_LOCK = 7_310_248_114


def upgrade(database: Database, revision: str = "head") -> None:
    """Runs what is pending, all in one transaction; processes that start together take turns. Raises as `pending`."""
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            # A statement that waits for a busy table makes everybody queue behind it: better to fail and be retried.
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        with _of_known_revisions():
            command.upgrade(_config(connection), revision)


def pending(database: Database) -> list[str]:
    """The revisions `upgrade` would run, oldest first; empty when the schema is current.

    Raises SafelightError `database_newer` for one that a later release has migrated.
    """
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    with _of_known_revisions():
        steps = list(ScriptDirectory(str(folder())).iterate_revisions("heads", current or "base"))
    return [step.revision for step in steps][::-1]


@contextmanager
def _of_known_revisions() -> Iterator[None]:
    """Whoever goes back to an earlier release is told what keeps it from running."""
    try:
        yield
    except (CommandError, RevisionError) as error:
        raise SafelightError(
            Kind.UNAVAILABLE,
            "database_newer",
            "A later release of Safelight has migrated this database. Run that release again, or restore the backup "
            "that was made before it.",
        ) from error


def folder() -> Path:
    """Where the revisions are: inside an installed package, or at the top of a checkout."""
    installed = resources.files("safelight") / "migrations"
    return Path(str(installed)) if installed.is_dir() else Path(__file__).parents[3] / "migrations"


def _config(connection: Connection) -> Config:
    # The connection is handed over open: an address with a password in it never reaches Alembic's own configuration.
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
