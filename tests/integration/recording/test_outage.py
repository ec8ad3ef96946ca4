"""An hour without the database, or without the image store, while people go on: it costs nothing but time."""

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import fsspec
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from safelight.clock import ManualClock
from safelight.recording.generation import Generation
from safelight.recording.images import ImageStore, open_images
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorded, Recorder
from safelight.recording.shipper import Shipper
from safelight.settings import ImageStoreSettings, OnFull
from safelight.store import generations, traffic
from safelight.store.database import Database
from safelight.store.generations import Filters
from safelight.store.journal import JournalFile

MEBIBYTE = 1024 * 1024
MINUTE = timedelta(minutes=1)
AT_ONCE = 10
PICTURE_BYTES = 100 * 1024
MOST_HELD = 48 * MEBIBYTE
"""Of memory: three quarters of what the longer outage leaves on the disk, and twice what is shipped at once."""

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["postgres"], indirect=True)]


class Service(Protocol):
    """What goes away and comes back."""

    def stop(self) -> None: ...

    def start(self) -> None: ...


class ObjectStore:
    """An S3 server that keeps its address, and what it holds, when it is stopped and started."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._server.start()
        self._port = self._server.get_host_and_port()[1]
        self.settings = ImageStoreSettings(
            s3_endpoint=f"http://127.0.0.1:{self._port}", s3_key=SecretStr("key"), s3_secret=SecretStr("secret")
        )

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", port=self._port, verbose=False)
        self._server.start()


@pytest.fixture(scope="module")
def object_store() -> Iterator[ObjectStore]:
    store = ObjectStore()
    endpoint = store.settings.s3_endpoint
    fsspec.filesystem("s3", endpoint_url=endpoint, key="key", secret="secret").mkdir("outage")
    yield store
    store.stop()


@pytest.mark.parametrize(("away", "count"), [("postgres_cluster", 640), ("object_store", 120)])
async def test_an_hour_without_it_costs_nothing_that_was_acknowledged(
    away: str,
    count: int,
    request: pytest.FixtureRequest,
    database: Database,
    object_store: ObjectStore,
    make_generation: Callable[..., Generation],
    now: datetime,
    tmp_path: Path,
) -> None:
    service: Service = request.getfixturevalue(away)
    where = "s3://outage" if away == "object_store" else (tmp_path / "images").as_uri()
    images = open_images(where, object_store.settings)
    clock, losses = ManualClock(now), Losses(60)
    journal = Journal(JournalFile(tmp_path / "journal", 1024 * MEBIBYTE))
    recorder = Recorder(journal, losses, clock, OnFull.SERVE)
    shipper = _shipper(tmp_path, losses, images, database, clock)
    made = {
        (each := make_generation(created_at=_moment(clock, count))).id: (each, os.urandom(16) * (PICTURE_BYTES // 16))
        for _ in range(count)
    }
    stop = Event()
    thread = Thread(target=shipper.run, args=(stop,))
    service.stop()
    try:
        thread.start()
        acknowledged: list[Recorded] = []
        before, held = _own_bytes(), [0]
        for start in range(0, count, AT_ONCE):
            some = list(made.values())[start : start + AT_ONCE]
            acknowledged += await asyncio.gather(*(recorder.record(each, image) for each, image in some))
            held.append(_own_bytes())
        assert set(acknowledged) == {Recorded.DURABLE}
        assert recorder.status().backlog == count
        assert max(held) - before < MOST_HELD, "it waits on the disk"
    finally:
        service.start()
    async with asyncio.timeout(60):
        while recorder.status().backlog:  # noqa: ASYNC110 - a file on the disk tells nobody when it is empty
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.to_thread(thread.join)

    assert recorder.unlogged == 0
    with database.reading() as session:
        stored = generations.page(session, Filters(), limit=2 * count)
        counted = traffic.between(session, "studio", now, clock.now() + MINUTE)
    assert sorted(each.id for each in stored) == sorted(made)
    assert sum(bucket.served for bucket in counted) == count
    assert all(each.image_key and images.read(each.image_key) == made[each.id][1] for each in stored)
    shipper.close()
    journal.close()


def _shipper(folder: Path, losses: Losses, images: ImageStore, database: Database, clock: ManualClock) -> Shipper:
    file = JournalFile(folder / "journal", 1024 * MEBIBYTE)
    return Shipper(file, losses, images, database, clock, bucket_seconds=60, thumbnail_pixels=32)


def _moment(clock: ManualClock, count: int) -> datetime:
    """The next of those that divide an hour evenly."""
    clock.advance(3600 / count)
    return clock.now()


def _own_bytes() -> int:
    """Of this process alone: pages of files, which the system drops and reads again as it likes, do not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
