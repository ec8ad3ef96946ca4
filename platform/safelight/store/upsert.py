"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell alike but SQLAlchemy keeps in each dialect."""

from typing import TypeAlias

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from safelight.store.base import Base

Insert: TypeAlias = sqlite.Insert | postgresql.Insert


def insert(session: Session, table: type[Base]) -> Insert:
    """An INSERT of the session's dialect, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
