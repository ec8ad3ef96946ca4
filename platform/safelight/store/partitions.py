"""Monthly partitions of `generations` on PostgreSQL, by the time in the UUIDv7 key."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import text
from sqlalchemy.orm import Session

from safelight.ids import first_id_at

_DEFAULT = "generations_default"


def ensure_partitions(session: Session, now: datetime, months_ahead: int = 2) -> list[str]:
    """Makes the partitions of this month and the next ones where they are missing; returns the names of those made.

    Rows that fell into the default partition meanwhile move along. Does nothing on SQLite, which has no partitions.
    """
    if session.get_bind().dialect.name != "postgresql":
        return []
    # One process at a time looks and makes: two would find the same month missing.
    session.execute(text(f"LOCK TABLE {_DEFAULT} IN SHARE UPDATE EXCLUSIVE MODE"))
    made = []
    for start, end in _months(now, months_ahead + 1):
        name = f"generations_p{start:%Y_%m}"
        if session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
            _make(session, name, start, end)
            made.append(name)
    return made


def is_partition(table: str) -> bool:
    """Whether a table's name is that of a partition, which the metadata does not list."""
    return table == _DEFAULT or table.startswith("generations_p")


def _make(session: Session, name: str, start: datetime, end: datetime) -> None:
    # Names and bounds are computed here and cannot be bound as parameters of a schema change.
    low, high = f"'{first_id_at(start)}'", f"'{first_id_at(end)}'"
    # PostgreSQL refuses a partition whose rows lie in the default one, so they leave it first.
    session.execute(text(f"LOCK TABLE {_DEFAULT} IN ACCESS EXCLUSIVE MODE"))
    session.execute(text(f"CREATE TABLE {name} (LIKE generations INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    session.execute(
        text(
            f"WITH moved AS (DELETE FROM {_DEFAULT} WHERE id >= {low} AND id < {high} RETURNING *) "  # noqa: S608 - computed here
            f"INSERT INTO {name} SELECT * FROM moved"
        )
    )
    session.execute(text(f"ALTER TABLE generations ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"))


def _months(now: datetime, count: int) -> Iterator[tuple[datetime, datetime]]:
    first = now.year * 12 + now.month - 1
    starts = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(first, first + count + 1)]
    return pairwise(starts)
