"""Identifiers: UUIDv7, so that ids sort by the time they were made and can partition a table by time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid6

_EPOCH = datetime.fromtimestamp(0, UTC)


def new_id() -> UUID:
    """A fresh UUIDv7 as a standard-library UUID."""
    return UUID(int=uuid6.uuid7().int)


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of the millisecond `moment` falls in: a bound for time-range queries on ids.

    No id is older than 1970: a moment before it has the bound of its beginning.
    """
    milliseconds = max(moment - _EPOCH, timedelta()) // timedelta(milliseconds=1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62))


def made_at(identifier: UUID) -> datetime:
    """The moment, to the millisecond, a UUIDv7 was made."""
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)
