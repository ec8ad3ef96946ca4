"""How recording fares on this host: for health checks, metrics and the incident that a full journal opens."""

from dataclasses import dataclass

from safelight.clock import Clock
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.store.journal import JournalFile


@dataclass(frozen=True)
class RecordingStatus:
    """`unlogged` counts since the process started; the rest is what waits now."""

    unlogged: int
    backlog: int
    backlog_bytes: int
    oldest_seconds: float
    refused: int
    obstacle: str


def recording_status(recorder: Recorder, shipper: Shipper, journal: JournalFile, clock: Clock) -> RecordingStatus:
    """A reading of the three; `journal` may be any connection to it."""
    waiting = journal.backlog()
    oldest = 0.0 if waiting.oldest is None else max(0.0, (clock.now() - waiting.oldest).total_seconds())
    return RecordingStatus(recorder.unlogged, waiting.entries, waiting.bytes, oldest, waiting.refused, shipper.obstacle)
