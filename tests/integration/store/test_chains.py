"""The ledger's chains read in pieces: the same as read whole."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from registry.ledger import Draft, EntryKind
from safelight.store import chains, ledger, versions
from safelight.store.database import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def filled(database: Database) -> Database:
    """Three chains; that of cats: 1 serves, is accepted, 2 serves, back to 1."""
    steps = [(EntryKind.PROMOTE, 1), (EntryKind.ACCEPT, 1), (EntryKind.PROMOTE, 2), (EntryKind.ROLLBACK, 1)]
    with database.transaction() as session:
        for name, scope in (("cats", "default"), ("cats", "eu"), ("dogs", "default")):
            versions.add_generator(session, name, "", NOON)
            serving = None
            for minute, (kind, to_version) in enumerate(steps if scope == "default" else steps[:1]):
                draft = Draft(
                    generator=name,
                    scope=scope,
                    kind=kind,
                    from_version=serving,
                    to_version=to_version,
                    to_digest=f"sha256:{to_version:064x}",
                    actor="ann",
                    reason="a test",
                )
                serving = ledger.add(session, draft, NOON + timedelta(minutes=minute)).to_version
    return database


def test_every_chain_is_found_by_its_name_and_scope(filled: Database) -> None:
    with filled.reading() as session:
        assert chains.known(session) == [("cats", "default"), ("cats", "eu"), ("dogs", "default")]
        assert chains.known(session, "cats") == [("cats", "default"), ("cats", "eu")]
        assert chains.known(session, "fish") == []


def test_what_was_live_is_what_was_put_in_place_last(filled: Database) -> None:
    with filled.reading() as session:
        asked = [chains.live_at(session, "cats", NOON + timedelta(minutes=at)) for at in (-1, 0, 1.5, 2, 2.9, 3, 99)]
        assert [each.seq if each else None for each in asked] == [None, 1, 1, 3, 3, 4, 4]
        assert chains.live_at(session, "cats", NOON, "nowhere") is None


def test_a_chain_is_read_backwards_by_page_and_forwards_by_piece(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled.reading() as session:
        whole = ledger.chain(session, "cats")
        newest = chains.page(session, "cats", None, 3)
        assert newest == whole[:0:-1]
        assert chains.page(session, "cats", newest[-1].seq, 3) == whole[:1]
        assert chains.head(session, "cats") == whole[-1]
    for size in (1, 2, 4, 5):
        monkeypatch.setattr(chains, "_PIECE", size)
        assert list(chains.entries(filled, "cats")) == whole
    assert list(chains.entries(filled, "fish")) == []


def test_neighbours_of_an_entry_are_those_that_changed_what_serves(filled: Database) -> None:
    with filled.reading() as session:
        before, after = chains.before(session, "cats", 3), chains.after(session, "cats", 1)
        assert (before and before.seq, after and after.seq) == (1, 3)
        assert chains.before(session, "cats", 1) is None
        assert chains.after(session, "cats", 4) is None


def test_a_chain_that_grows_is_read_by_few_statements(database: Database) -> None:
    """Each text is kept prepared by SQLite's driver: one for each length would be memory with every release."""
    texts: set[str] = set()
    event.listen(database.engine, "before_cursor_execute", lambda _c, _u, text, *_more: texts.add(text))
    with database.transaction() as session:
        versions.add_generator(session, "cats", "", NOON)
        for number in range(1, 13):
            draft = Draft(
                generator="cats",
                scope="default",
                kind=EntryKind.PROMOTE,
                from_version=number - 1 or None,
                to_version=number,
                to_digest=f"sha256:{number:064x}",
                actor="ann",
                reason="a test",
            )
            ledger.add(session, draft, NOON + timedelta(minutes=number))
            assert [each.to_version for each in chains.decisive(session, "cats")] == list(range(1, number + 1))
    assert len([text for text in texts if "seq IN" in text]) == 5
