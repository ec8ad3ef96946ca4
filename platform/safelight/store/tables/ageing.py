"""Finding rows that are old enough to be made sparser, however many there are besides."""

from sqlalchemy import Index, text

FRESH = "NOT rolled_up"
"""Of rows that nobody has made sparser yet. As it stands, for a partial index is used by whoever says the same."""
ROLLED_UP = "rolled_up"
"""Of those that somebody has."""


def index_not_rolled_up(table: str, moment: str = "bucket_start") -> Index:
    return _partial(table, FRESH, "not_rolled_up", moment)


def index_rolled_up(table: str, moment: str = "bucket_start") -> Index:
    return _partial(table, ROLLED_UP, "rolled_up", moment)


def _partial(table: str, which: str, name: str, moment: str) -> Index:
    return Index(f"ix_{table}_{name}", moment, sqlite_where=text(which), postgresql_where=text(which))
