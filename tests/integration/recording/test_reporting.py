"""How full a journal is reaches the database, and the log where that is away."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from safelight.clock import ManualClock
from safelight.recording.generation import Generation
from safelight.recording.reporting import JournalReporter
from safelight.store import journals
from safelight.store.database import Database
from safelight.store.journal import Entry, JournalFile

MEBIBYTE = 1024 * 1024
MINUTE = timedelta(minutes=1)


def test_a_journal_is_reported_and_told_of_once_when_it_is_half_full(
    database: Database,
    make_generation: Callable[..., Generation],
    now: datetime,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, file = ManualClock(now), JournalFile(tmp_path / "small", 2 * MEBIBYTE)
    reporter = JournalReporter(file, "host/journal", database, clock)
    reporter.run_once()
    made = make_generation()
    file.append([Entry(made.id, made.created_at, made.model_dump_json(), bytes(MEBIBYTE))])
    clock.advance(10)
    reporter.run_once()
    reporter.run_once()
    with database.reading() as session:
        (told,) = journals.reported(session, now, now + MINUTE)
        assert journals.reported(session, now - MINUTE, now) == []
    assert (told.name, told.entries, told.refused, told.oldest_at) == ("host/journal", 1, 0, made.created_at)
    assert 0.5 <= told.fill < 1.0
    assert [record.levelno for record in caplog.records] == [logging.ERROR]

    clock.advance(2 * 24 * 3600)
    JournalReporter(file, "other/journal", database, clock).run_once()
    with database.reading() as session:
        kept = [each.name for each in journals.reported(session, now, clock.now() + MINUTE)]
    assert kept == ["host/journal", "other/journal"], "what still waits somewhere is not forgotten"
    file.close()
