"""The journal's file: order, room, and what a refused entry leaves behind."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from safelight.store.journal import Entry, JournalFile, JournalUnwritable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MEBIBYTE = 1024 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    opened = JournalFile(tmp_path / "journal", max_bytes=16 * MEBIBYTE)
    yield opened
    opened.close()


def _entry(image: bytes | None = b"png", seconds: float = 0) -> Entry:
    return Entry(uuid4(), NOON + timedelta(seconds=seconds), '{"prompt": "a red fox"}', image)


def test_entries_come_back_as_they_went_in_oldest_first(file: JournalFile) -> None:
    entries = [_entry(), _entry(None), _entry(b"\x00\xff")]
    file.append(entries[:2])
    file.append(entries[2:])
    assert file.head(10, MEBIBYTE) == entries
    assert file.head(2, MEBIBYTE) == entries[:2]


def test_an_id_is_kept_once(file: JournalFile) -> None:
    entry = _entry()
    file.append([entry, entry])
    file.append([replace(entry, document='{"prompt": "another"}')])
    assert file.head(10, MEBIBYTE) == [entry], "the first one stands"


def test_an_entry_is_found_until_it_is_shipped(file: JournalFile) -> None:
    entry = _entry()
    file.append([entry])
    assert file.find(entry.id) == entry
    file.remove([entry.id])
    assert file.find(entry.id) is None


def test_a_head_fits_the_memory_it_was_given_but_is_never_empty(file: JournalFile) -> None:
    entries = [_entry(bytes(1000)) for _ in range(5)]
    file.append(entries)
    assert file.head(10, 3500) == entries[:3]
    assert file.head(10, 1) == entries[:1]


def test_removed_entries_make_room(file: JournalFile) -> None:
    for _ in range(5):
        entries = [_entry(bytes(MEBIBYTE)) for _ in range(10)]
        file.append(entries)
        file.remove([entry.id for entry in entries])
    assert file.backlog().entries == 0
    assert file.backlog().bytes < MEBIBYTE


def test_a_batch_without_room_is_not_kept_in_part(file: JournalFile) -> None:
    kept = [_entry(bytes(MEBIBYTE)) for _ in range(10)]
    file.append(kept)
    with pytest.raises(JournalUnwritable, match="full"):
        file.append([_entry(bytes(MEBIBYTE)) for _ in range(10)])
    assert file.head(100, 64 * MEBIBYTE) == kept


def test_another_connection_sees_what_is_kept(file: JournalFile, tmp_path: Path) -> None:
    other = JournalFile(tmp_path / "journal", max_bytes=16 * MEBIBYTE)
    entry = _entry()
    file.append([entry])
    assert other.head(1, MEBIBYTE) == [entry]
    other.remove([entry.id])
    assert file.head(1, MEBIBYTE) == []
    other.close()


def test_a_refused_entry_steps_aside_and_stays_on_record(file: JournalFile) -> None:
    refused, waiting = _entry(), _entry(seconds=5)
    file.append([refused, waiting])
    file.refuse(refused.id, "DataError: NUL")
    assert file.head(10, MEBIBYTE) == [waiting]
    backlog = file.backlog()
    assert (backlog.entries, backlog.refused, backlog.oldest) == (1, 1, waiting.recorded_at)


def test_an_empty_journal_has_no_oldest_entry(file: JournalFile) -> None:
    assert file.backlog().oldest is None


def test_an_outage_leaves_no_large_file_behind(tmp_path: Path) -> None:
    file = JournalFile(tmp_path, max_bytes=256 * MEBIBYTE)
    entries = [_entry(bytes(10 * MEBIBYTE)) for _ in range(9)]
    for entry in entries:
        file.append([entry])
    file.remove([entry.id for entry in entries])
    file.close()
    assert (tmp_path / "journal.db").stat().st_size < MEBIBYTE
