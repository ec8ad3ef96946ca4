"""Whoever looks many times a second misses nothing that was written."""

from datetime import UTC, datetime

from safelight.store import versions
from safelight.store.changes import Changes
from safelight.store.database import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_what_was_written_since_is_told_once(database: Database) -> None:
    changes = Changes(database)
    assert changes.happened()
    for name in ("portraits", "landscapes"):
        with database.transaction() as session:
            versions.add_generator(session, name, "", NOON)
        assert changes.happened()
        with database.reading() as session:
            versions.generators(session)
        assert not changes.happened() or not database.is_sqlite
