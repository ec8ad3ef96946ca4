"""Brings a database to the schema this code was written for."""

from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from safelight.store.database import Database

# Any number will do, as long as every process that upgrades asks for the same lock.
_UPGRADE_LOCK = 7_310_248_114


def upgrade(database: Database, revision: str = "head") -> None:
    """Runs what is pending, all in one transaction; processes that start together take turns."""
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            # A statement that waits for a busy table makes everybody queue behind it: better to fail and be retried.
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        command.upgrade(_config(connection), revision)


def pending(database: Database) -> list[str]:
    """The revisions `upgrade` would run, oldest first; empty when the schema is current.

    Raises alembic.util.CommandError for a database that a later release has migrated.
    """
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    steps = ScriptDirectory(str(folder())).iterate_revisions("heads", current or "base")
    return [step.revision for step in steps][::-1]


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
