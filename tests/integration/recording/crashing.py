"""A process that records and ships generations and dies, as by `kill -9`, at a named point. Run by test_crashes.py.

Prints the id of every generation as soon as its recording is acknowledged.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

from safelight.clock import SystemClock
from safelight.ids import new_id
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.images import LocalImages
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.settings import OnFull
from safelight.store.database import Database
from safelight.store.journal import Entry, JournalFile

GENERATIONS = 60
AT_ONCE = 6
MAX_BYTES = 64 * 1024 * 1024


class Death:
    """Ends the process when its point has been passed a number of times."""

    def __init__(self, point: str, after: int) -> None:
        self._point, self._left = point, after

    def at(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()


class DyingJournal(JournalFile):
    def __init__(self, folder: Path, death: Death) -> None:
        super().__init__(folder, MAX_BYTES)
        self._death = death

    def append(self, entries: Sequence[Entry]) -> None:
        self._death.at("before the journal commit")
        super().append(entries)
        self._death.at("after the journal commit")

    def remove(self, ids: Sequence[UUID]) -> None:
        self._death.at("after the database commit")
        super().remove(ids)
        self._death.at("after the journal delete")


class DyingImages(LocalImages):
    def __init__(self, root: Path, death: Death) -> None:
        super().__init__(root)
        self._death = death

    def write_all(self, objects: Mapping[str, bytes]) -> None:
        for key, data in objects.items():
            super().write_all({key: data})
            self._death.at("after an image write")


def _generation() -> Generation:
    return Generation(
        id=new_id(),
        created_at=SystemClock().now() - timedelta(seconds=1),
        generator="studio",
        version=1,
        bundle_digest="sha256:b",
        source=Source.ENGINE,
        arm=Arm.STABLE,
        outcome=Outcome.SERVED,
        request_id=new_id(),
        prompt="a red fox",
        parameters={},
        total_ms=120.0,
    )


async def _record(recorder: Recorder, png: bytes) -> None:
    for _ in range(GENERATIONS // AT_ONCE):
        made = [_generation() for _ in range(AT_ONCE)]
        acknowledgements = [asyncio.create_task(_acknowledged(recorder, each, png)) for each in made]
        await asyncio.gather(*acknowledgements)


async def _acknowledged(recorder: Recorder, generation: Generation, png: bytes) -> None:
    await recorder.record(generation, png)
    sys.stdout.write(f"{generation.id}\n")
    sys.stdout.flush()


def main(folder: Path, database_url: str, point: str, after: int) -> None:
    death = Death(point, after)
    losses = Losses(60)
    recorder = Recorder(Journal(DyingJournal(folder / "journal", death)), losses, SystemClock(), OnFull.REFUSE)
    shipper = Shipper(
        DyingJournal(folder / "journal", death),
        losses,
        DyingImages(folder / "images", death),
        Database(database_url),
        SystemClock(),
        bucket_seconds=60,
        thumbnail_pixels=32,
    )
    Thread(target=shipper.run, args=(Event(),), daemon=True).start()
    asyncio.run(_record(recorder, (folder / "image.png").read_bytes()))
    Event().wait()  # whoever shall die while shipping does so now


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
