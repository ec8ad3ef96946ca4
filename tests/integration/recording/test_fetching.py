"""Images that lie elsewhere: fetched with every limit on it, or given up with the reason."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from safelight.clock import ManualClock, SystemClock
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import GuardedBackend
from safelight.recording.fetching import MOST_ATTEMPTS, Fetcher, Getter, pause_after
from safelight.recording.generation import Source
from safelight.recording.images import LocalImages
from safelight.recording.shipper import Shipper
from safelight.store import fetches, generations, scores
from safelight.store.database import Database
from safelight.store.generations import StoredGeneration
from safelight.store.journal import Entry, JournalFile
from tests.integration.recording.conftest import NOON, MakeGeneration


@dataclass
class Bucket:
    """Somebody's object store: answers with what it is told to."""

    url: str
    body: bytes = b""
    statuses: list[int] = field(default_factory=lambda: [200])
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def bucket(png: bytes) -> Iterator[Bucket]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status = made.statuses.pop(0) if len(made.statuses) > 1 else made.statuses[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", made.url)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Bucket(f"http://127.0.0.1:{server.server_port}/image", png)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Scene:
    database: Database
    fetcher: Fetcher
    clock: ManualClock
    log: Callable[[str], Any]

    def stored(self, identifier: Any) -> StoredGeneration:
        with self.database.reading() as session:
            return generations.get(session, identifier)

    def tasks(self) -> int:
        with self.database.reading() as session:
            return len(scores.waiting(session, 100))

    def waiting(self) -> int:
        with self.database.reading() as session:
            return fetches.waiting(session)


@pytest.fixture
def scene(
    database: Database,
    images: LocalImages,
    shipper: Shipper,
    journal: JournalFile,
    make_generation: MakeGeneration,
    tmp_path: Path,
) -> Scene:
    clock = ManualClock(NOON)

    def log(uri: str) -> Any:
        made = make_generation(source=Source.INGEST, envelope={"image_uri": uri}, parameters={})
        journal.append([Entry(made.id, NOON, made.model_dump_json(), None)])
        shipper.run_once()
        return made.id

    return Scene(database, _fetcher(database, images, clock), clock, log)


def _fetcher(database: Database, images: LocalImages, clock: ManualClock, *, private: bool = True) -> Fetcher:
    getter = Getter(lambda: GuardedBackend(SystemClock(), 5.0, Reach(private=private)), most=200_000)
    return Fetcher(database, images, getter, clock, thumbnail_pixels=32)


def test_an_image_that_is_fetched_is_scored_like_any_other(
    scene: Scene, bucket: Bucket, images: LocalImages, png: bytes
) -> None:
    identifier = scene.log(bucket.url)
    assert scene.tasks() == 0
    assert scene.fetcher.run_once() == 1
    stored = scene.stored(identifier)
    assert stored.image_key is not None
    assert images.read(stored.image_key) == png
    assert stored.thumbnail_key is not None
    assert stored.parameters == {"width": 256, "height": 256}
    assert (scene.tasks(), scene.waiting(), scene.fetcher.run_once()) == (1, 0, 0)


def test_two_that_fetch_the_same_image_make_one_task(scene: Scene, bucket: Bucket) -> None:
    scene.log(bucket.url)
    with scene.database.reading() as session:
        (fetch,) = fetches.due(session, NOON, 10)
    scene.fetcher.run_once()
    scene.fetcher._fetch(fetch)
    assert scene.tasks() == 1


@pytest.mark.parametrize(
    ("statuses", "body", "why"),
    [
        ([404], b"", "refused"),
        ([302], b"", "refused"),
        ([200], b"not an image", "no_image"),
        ([200], bytes(300_000), "too_large"),
    ],
)
def test_what_will_never_be_an_image_is_given_up_with_the_reason(
    scene: Scene, bucket: Bucket, statuses: list[int], body: bytes, why: str
) -> None:
    bucket.statuses, bucket.body = statuses, body
    identifier = scene.log(bucket.url)
    scene.fetcher.run_once()
    stored = scene.stored(identifier)
    assert stored.envelope == {"image_uri": bucket.url, "image_not_fetched": why}
    assert (stored.image_key, scene.tasks(), scene.waiting()) == (None, 0, 0)
    assert len(bucket.asked) == 1


def test_a_store_that_is_away_is_asked_again_later_and_not_for_ever(scene: Scene, bucket: Bucket) -> None:
    bucket.statuses = [503]
    identifier = scene.log(bucket.url)
    for attempt in range(MOST_ATTEMPTS):
        assert scene.fetcher.run_once() == 1
        assert scene.fetcher.run_once() == 0
        scene.clock.advance(pause_after(attempt).total_seconds())
    assert len(bucket.asked) == MOST_ATTEMPTS
    assert scene.stored(identifier).envelope["image_not_fetched"] == "unreachable"


def test_a_store_that_comes_back_is_heard(scene: Scene, bucket: Bucket) -> None:
    bucket.statuses = [503, 200]
    identifier = scene.log(bucket.url)
    scene.fetcher.run_once()
    scene.clock.advance(30)
    scene.fetcher.run_once()
    assert scene.stored(identifier).image_key is not None


def test_an_address_of_our_own_network_is_never_called(
    scene: Scene, bucket: Bucket, database: Database, images: LocalImages
) -> None:
    identifier = scene.log(bucket.url)
    _fetcher(database, images, scene.clock, private=False).run_once()
    assert scene.stored(identifier).envelope["image_not_fetched"] == "forbidden_address"
    assert bucket.asked == []


def test_the_pauses_grow_to_an_hour() -> None:
    assert [pause_after(n) for n in (0, 1, 6, 7)] == [timedelta(seconds=n) for n in (30, 60, 1920, 3600)]
