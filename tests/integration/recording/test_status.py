"""What an operator is told of recording."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from safelight.clock import ManualClock
from safelight.recording.generation import Generation
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder, RecordingStatus
from safelight.recording.shipper import Shipper
from safelight.settings import OnFull
from safelight.store.journal import JournalFile

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


async def test_what_waits_is_told_and_for_how_long(
    losses: Losses,
    shipper: Shipper,
    make_generation: Callable[..., Generation],
    png: bytes,
    now: datetime,
    tmp_path: Path,
) -> None:
    clock = ManualClock(now)
    own = Journal(JournalFile(tmp_path / "journal", max_bytes=2**20))
    recorder = Recorder(own, losses, clock, OnFull.SERVE)
    idle = recorder.status()
    assert idle == RecordingStatus(0, 0, idle.backlog_bytes, idle.fill, 0.0, 0)

    await recorder.record(make_generation(), png)
    clock.advance(90)
    await recorder.record(make_generation(), bytes(2**20))
    busy = recorder.status()
    assert (busy.unlogged, busy.backlog, busy.oldest_seconds) == (1, 1, 90.0)
    assert busy.backlog_bytes >= idle.backlog_bytes
    assert 0.0 < idle.fill <= busy.fill < 1.0

    shipper.run_once()
    done = recorder.status()
    assert (done.unlogged, done.backlog, done.oldest_seconds) == (1, 0, 0.0)
    own.close()
