"""What should serve, read for one generator and for all of them."""

from datetime import UTC, datetime, timedelta

from registry.ledger import Draft, EntryKind
from safelight.store import ledger, versions
from safelight.store.database import Database, Session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _enter(session: Session, generator: str, kind: EntryKind, to_version: int) -> None:
    before = ledger.newest_release(session, generator)
    draft = Draft(
        generator=generator,
        scope=ledger.DEFAULT_SCOPE,
        kind=kind,
        from_version=before.to_version if before else None,
        to_version=to_version,
        to_digest=f"sha256:{to_version:064x}",
        actor="tester",
        reason="a test",
    )
    ledger.add(session, draft, NOON + timedelta(minutes=to_version))


def test_the_newest_releases_are_those_of_each_generator(database: Database) -> None:
    with database.transaction() as session:
        for name in ("cats", "dogs", "new"):
            versions.add_generator(session, name, "", NOON)
        _enter(session, "cats", EntryKind.PROMOTE, 1)
        _enter(session, "cats", EntryKind.PROMOTE, 2)
        _enter(session, "cats", EntryKind.ACCEPT, 2)
        _enter(session, "dogs", EntryKind.PROMOTE, 7)
    with database.reading() as session:
        newest = ledger.newest_releases(session)
        assert newest == {name: ledger.newest_release(session, name) for name in ("cats", "dogs")}
        assert (newest["cats"].kind, newest["cats"].to_version, newest["dogs"].to_version) == (EntryKind.PROMOTE, 2, 7)
        assert ledger.newest_releases(session, "another scope") == {}
