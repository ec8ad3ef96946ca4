"""A disk without room: nothing is torn, nobody is held up, and all goes on by itself once there is room again."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import OperationalError
from typing import Protocol

import pytest

from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.recording.generation import Generation
from safelight.recording.images import LocalImages
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorded, Recorder
from safelight.recording.shipper import Shipper
from safelight.settings import OnFull
from safelight.store import generations, traffic
from safelight.store.database import Database, StoreError
from safelight.store.generations import Filters
from safelight.store.journal import JournalFile

MEBIBYTE = 1024 * 1024
PICTURE = bytes(range(256)) * 2048  # half a mebibyte
HOUR = timedelta(hours=1)

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


class Disk(Protocol):
    """A disk of a few megabytes."""

    folder: Path

    def fill(self) -> None:
        """Somebody else takes what is left."""
        ...

    def free(self) -> None:
        """And gives it back."""
        ...


class SmallFileSystem:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True, capture_output=True
        )

    def fill(self) -> None:
        with (self.folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def free(self) -> None:
        (self.folder / "ballast").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


class SmallFiles:
    """The kernel's limit on the size of a file: writing beyond it fails as on a disk without room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        self._limit(8 * MEBIBYTE)

    def fill(self) -> None:
        self._limit(4096)

    def free(self) -> None:
        self._limit(self._hard)

    close = free

    def _limit(self, soft: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, self._hard))


def _may_mount() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(params=[SmallFileSystem, SmallFiles] if _may_mount() else [SmallFiles])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    made = request.param(tmp_path / "disk")
    yield made
    made.close()


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder for a journal, and how large it may be; the disk ends first where one may be mounted."""
    if not _may_mount():
        yield tmp_path / "journal", 8 * MEBIBYTE
        return
    small = SmallFileSystem(tmp_path / "disk")
    yield small.folder / "journal", 1024 * MEBIBYTE
    small.close()


async def test_a_full_disk(
    disk: Disk,
    database: Database,
    images: LocalImages,
    losses: Losses,
    make_generation: Callable[..., Generation],
    now: datetime,
) -> None:
    clock, folder = ManualClock(now), disk.folder / "journal"
    journal = Journal(JournalFile(folder, 1024 * MEBIBYTE))
    serving = Recorder(journal, losses, clock, OnFull.SERVE)
    made = [make_generation(created_at=now + timedelta(milliseconds=n)) for n in range(40)]
    became = {each.id: await serving.record(each, PICTURE) for each in made}
    durable = [identifier for identifier, what in became.items() if what is Recorded.DURABLE]
    assert 4 <= len(durable) < len(made)
    assert serving.unlogged == len(made) - len(durable)
    with pytest.raises(SafelightError, match="cannot be recorded"):
        await Recorder(journal, losses, clock, OnFull.REFUSE).record(make_generation(), PICTURE)

    shipper = Shipper(
        JournalFile(folder, 1024 * MEBIBYTE), losses, images, database, clock, bucket_seconds=60, thumbnail_pixels=32
    )
    disk.fill()
    assert await serving.record(make_generation(created_at=now), PICTURE) is Recorded.UNLOGGED
    # It may find no room to take out of the journal what has arrived, or to write anything at all.
    with suppress(OperationalError, OSError, StoreError):
        shipper.run_once()

    disk.free()
    while shipper.run_once():
        pass
    last = make_generation(created_at=now + timedelta(seconds=1))
    assert await serving.record(last, PICTURE) is Recorded.DURABLE
    shipper.run_once()
    with database.reading() as session:
        stored = generations.page(session, Filters(), limit=100)
        counted = traffic.between(session, "studio", now - HOUR, now + HOUR)
    assert sorted(each.id for each in stored) == [*durable, last.id]
    assert all(each.image_key and images.read(each.image_key) == PICTURE for each in stored)
    assert sum(bucket.served for bucket in counted) == len(stored)
    assert sum(bucket.unlogged for bucket in counted) == serving.unlogged
    shipper.close()
    journal.close()


async def test_a_journal_that_took_all_the_room_it_had_is_emptied_without_any(
    tight: tuple[Path, int],
    database: Database,
    images: LocalImages,
    losses: Losses,
    make_generation: Callable[..., Generation],
    now: datetime,
) -> None:
    journal = Journal(JournalFile(*tight))
    serving = Recorder(journal, losses, ManualClock(now), OnFull.SERVE)
    while await serving.record(make_generation(), PICTURE) is Recorded.DURABLE:
        pass
    assert serving.status().fill > 0.5
    shipper = Shipper(
        JournalFile(*tight), losses, images, database, ManualClock(now), bucket_seconds=60, thumbnail_pixels=32
    )
    while shipper.run_once():
        pass
    assert await serving.record(make_generation(), PICTURE) is Recorded.DURABLE
    shipper.close()
    journal.close()
