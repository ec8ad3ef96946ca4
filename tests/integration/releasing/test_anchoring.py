"""A ledger that somebody rewrote, who knows how its hashes are made and may write every row."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.ledger import BreakReason, Draft, Entry, EntryKind, append
from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.notifying import making
from safelight.notifying.addresses import PUBLIC
from safelight.releasing.anchoring import AnchorFile, Anchoring, verify_chain
from safelight.responding.announcement import Links
from safelight.responding.ledger_watch import LedgerWatch
from safelight.store import incidents, ledger, notifications, versions
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.tables.releases import LedgerEntry

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Leader:
    def held(self) -> bool:
        return True


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as session:
        versions.add_generator(session, "cats", "", NOON)
    for version in (1, 2, 3):
        _enter(database, version)
    return database


@pytest.fixture
def file(tmp_path: Path) -> AnchorFile:
    return AnchorFile(tmp_path / "away" / "anchors.jsonl")


def test_the_database_refuses_to_change_or_forget_an_entry(filled: Database) -> None:
    for statement in ("UPDATE ledger SET actor = 'mallory'", "DELETE FROM ledger WHERE seq = 3"):
        with pytest.raises(IntegrityError, match="only grows"), filled.transaction() as session:
            session.execute(text(statement))


def test_heads_are_noted_once_and_the_chain_holds_against_them(filled: Database, file: AnchorFile) -> None:
    anchoring = Anchoring(filled, file, ManualClock(NOON))
    assert [each.seq for each in anchoring.run_once().noted] == [3]
    assert anchoring.run_once().noted == []
    _enter(filled, 4)
    assert [each.seq for each in anchoring.run_once().noted] == [4]
    found = verify_chain(filled, "cats", "default", file.read())
    assert (found.broken, found.entries, found.anchors) == (None, 4, 2)


def test_a_chain_written_anew_is_whole_and_its_anchor_uncovers_it(filled: Database, file: AnchorFile) -> None:
    clock = ManualClock(NOON)
    Anchoring(filled, file, clock).run_once()
    _rewrite(filled, lambda entries: [replace(each, actor="mallory") for each in entries])
    assert verify_chain(filled, "cats", "default", []).broken is None
    found = verify_chain(filled, "cats", "default", file.read())
    assert found.broken is not None
    assert (found.broken.seq, found.broken.reason) == (3, BreakReason.ANCHOR)
    told = Anchoring(filled, file, clock).run_once()
    assert [(each.anchor.seq, each.reason) for each in told.tampered] == [(3, BreakReason.ANCHOR)]
    assert told.noted == [], "what was forged is not noted over what was"


def test_a_chain_cut_short_opens_one_incident_and_is_told_of(filled: Database, file: AnchorFile) -> None:
    clock = ManualClock(NOON)
    with filled.transaction() as session:
        making.create(session, "on call", ChannelKind.WEBHOOK, NOON, url="https://pager.example/hook", reach=PUBLIC)
    watch = LedgerWatch(filled, Leader(), Anchoring(filled, file, clock), Links("https://safelight.example"), clock)
    assert watch.run_once() == 0
    _rewrite(filled, lambda entries: entries[:-1])
    assert [watch.run_once(), watch.run_once()] == [1, 0]
    with filled.reading() as session:
        (incident,) = incidents.open_incidents(session, "cats")
        assert [each.event for each in notifications.page(session)] == ["incident.opened"]
        (line,) = incidents.timeline(session, incident.id)
    assert incident.reason == "ledger_tampered"
    assert "Entry 3" in line.message
    assert "cut short" in line.message


def test_a_file_that_is_none_of_ours_is_named_and_nothing_is_written(tmp_path: Path, filled: Database) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk, eggs\n")
    with pytest.raises(SafelightError, match="Line 1 of") as refusal:
        Anchoring(filled, AnchorFile(path), ManualClock(NOON)).run_once()
    assert refusal.value.code == "anchor_file_invalid"
    assert path.read_text() == "milk, eggs\n"
    with pytest.raises(SafelightError) as refusal:
        Anchoring(filled, AnchorFile(tmp_path), ManualClock(NOON)).run_once()
    assert refusal.value.code == "anchor_file_unreadable"


def _enter(database: Database, version: int) -> None:
    with database.transaction() as session:
        before = ledger.newest_release(session, "cats")
        ledger.add(session, _draft(before, version), NOON + timedelta(minutes=version))


def _draft(before: Entry | None, version: int) -> Draft:
    return Draft(
        generator="cats",
        scope="default",
        kind=EntryKind.PROMOTE,
        from_version=before.to_version if before else None,
        to_version=version,
        to_digest=f"sha256:{version:064x}",
        actor="ann",
        reason="",
    )


def _rewrite(database: Database, forge: Callable[[list[Entry]], list[Entry]]) -> None:
    """As the owner of the database can, who takes its triggers away first."""
    with database.transaction() as session:
        entries = forge(ledger.chain(session, "cats"))
        names = ["ledger_no_update", "ledger_no_delete"] if database.is_sqlite else ["ledger_only_grows ON ledger"]
        for name in names:
            session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(text("DELETE FROM ledger"))
        tail: Entry | None = None
        for entry in entries:
            draft = Draft(**{name: getattr(entry, name) for name in Draft.__dataclass_fields__})
            tail = append(tail, draft, entry.at)
            session.add(LedgerEntry(**asdict(tail)))
