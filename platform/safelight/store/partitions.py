"""Monthly partitions of `generations` on PostgreSQL, by the time in the UUIDv7 key."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from safelight.ids import first_id_at, made_at
from safelight.store.retention import Range

_DEFAULT = "generations_default"
_NAME = "generations_p%Y_%m"


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
        name = start.strftime(_NAME)
        if session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
            _make(session, name, start, end)
            made.append(name)
    return made


def oldest(session: Session) -> Range | None:
    """The generations that the oldest month's partition is for; None where there is no partition."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    names = session.scalars(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'generations'::regclass")
    )
    months = sorted(name for name in names if name != _DEFAULT)
    if not months:
        return None
    start = datetime.strptime(months[0], _NAME).replace(tzinfo=UTC)
    ((_, end),) = _months(start, 1)
    return Range(first_id_at(start), first_id_at(end))


def drop(session: Session, month: Range, but: Collection[UUID]) -> None:
    """Drop a month's partition; the rows that are to be kept go to the default one."""
    name = made_at(month.start).strftime(_NAME)
    session.execute(text(f"ALTER TABLE generations DETACH PARTITION {name}"))
    session.execute(
        text(f"INSERT INTO generations SELECT * FROM {name} WHERE id = ANY(:kept)"),  # noqa: S608 - computed here
        {"kept": list(but)},
    )
    session.execute(text(f"DROP TABLE {name}"))


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
