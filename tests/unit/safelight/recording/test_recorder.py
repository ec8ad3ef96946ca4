"""What is acknowledged is on disk; what cannot be kept is refused or counted."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import pytest

from safelight.clock import ManualClock
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorded, Recorder
from safelight.settings import OnFull
from safelight.store.journal import Entry, JournalFile

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.anyio


class CountingFile(JournalFile):
    """Counts its commits, and holds the first one up until told to go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, max_bytes=64 * MEBIBYTE)
        self.commits: list[int] = []
        self.begun, self.may_go_on = Event(), Event()

    def append(self, entries: Sequence[Entry]) -> None:
        self.begun.set()
        assert self.may_go_on.wait(timeout=30)
        self.commits.append(len(entries))
        super().append(entries)


def _generation() -> Generation:
    return Generation(
        id=uuid4(),
        created_at=NOON,
        generator="studio",
        version=1,
        bundle_digest="d",
        source=Source.ENGINE,
        arm=Arm.STABLE,
        outcome=Outcome.SERVED,
        request_id=uuid4(),
        prompt="a red fox",
        parameters={"steps": 20},
    )


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Journal]:
    """A journal with room for one megabyte."""
    journal = Journal(JournalFile(tmp_path, max_bytes=MEBIBYTE))
    yield journal
    journal.close()


def _kept(folder: Path) -> list[UUID]:
    """What another process would find after a crash right now."""
    file = JournalFile(folder, max_bytes=64 * MEBIBYTE)
    ids = [entry.id for entry in file.head(1000, 64 * MEBIBYTE)]
    file.close()
    return ids


async def test_a_recorded_generation_is_on_disk(full: Journal, tmp_path: Path) -> None:
    generation = _generation()
    recorder = Recorder(full, Losses(60), ManualClock(NOON), OnFull.REFUSE)
    assert await recorder.record(generation, b"png") is Recorded.DURABLE
    assert _kept(tmp_path) == [generation.id]


async def test_those_who_come_while_the_disk_is_busy_share_one_commit(tmp_path: Path) -> None:
    file = CountingFile(tmp_path)
    journal = Journal(file)
    recorder = Recorder(journal, Losses(60), ManualClock(NOON), OnFull.REFUSE)
    first = asyncio.create_task(recorder.record(_generation(), b"png"))
    await asyncio.to_thread(file.begun.wait, 30)
    rest = [asyncio.create_task(recorder.record(_generation(), b"png")) for _ in range(20)]
    await asyncio.sleep(0)  # every task has handed its entry over and waits
    file.may_go_on.set()
    await asyncio.gather(first, *rest)
    assert file.commits == [1, 20]
    journal.close()


async def test_many_are_recorded_with_one_commit_or_not_at_all(tmp_path: Path) -> None:
    file = CountingFile(tmp_path)
    file.may_go_on.set()
    journal = Journal(file)
    recorder = Recorder(journal, Losses(60), ManualClock(NOON), OnFull.SERVE)
    made = [_generation() for _ in range(20)]
    await recorder.record_all([(each, b"png") for each in made])
    assert file.commits == [20]
    with pytest.raises(SafelightError) as refused:
        await recorder.record_all([(_generation(), b"png"), (_generation(), bytes(65 * MEBIBYTE))])
    assert (refused.value.code, recorder.unlogged) == ("journal_full", 0)
    assert _kept(tmp_path) == [each.id for each in made]
    journal.close()


async def test_a_caller_that_goes_away_does_not_take_its_generation_along(tmp_path: Path) -> None:
    file = CountingFile(tmp_path)
    journal = Journal(file)
    generation = _generation()
    recorder = Recorder(journal, Losses(60), ManualClock(NOON), OnFull.REFUSE)
    task = asyncio.create_task(recorder.record(generation, b"png"))
    await asyncio.to_thread(file.begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    file.may_go_on.set()
    await asyncio.to_thread(journal.close)
    assert _kept(tmp_path) == [generation.id]


async def test_a_full_journal_refuses_who_must_log(full: Journal, tmp_path: Path) -> None:
    recorder = Recorder(full, Losses(60), ManualClock(NOON), OnFull.REFUSE)
    with pytest.raises(SafelightError) as refusal:
        await recorder.record(_generation(), bytes(2 * MEBIBYTE))
    assert (refusal.value.kind, refusal.value.code) == (Kind.UNAVAILABLE, "journal_full")
    assert recorder.unlogged == 0
    assert _kept(tmp_path) == []
    assert await recorder.record(_generation(), b"small enough") is Recorded.DURABLE


async def test_a_full_journal_counts_what_is_served_unlogged(full: Journal, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(full, Losses(60), ManualClock(NOON), OnFull.SERVE)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await recorder.record(_generation(), bytes(2 * MEBIBYTE)) is Recorded.UNLOGGED
        assert await recorder.record(_generation(), b"small enough") is Recorded.DURABLE
    assert recorder.unlogged == 3
    assert len(caplog.records) == 2, "one line when it begins and one when it is over"


async def test_a_caller_may_insist_on_being_logged(full: Journal) -> None:
    recorder = Recorder(full, Losses(60), ManualClock(NOON), OnFull.SERVE)
    with pytest.raises(SafelightError, match="cannot be recorded"):
        await recorder.record(_generation(), bytes(2 * MEBIBYTE), on_full=OnFull.REFUSE)
    assert recorder.unlogged == 0
