"""From the journal to the image store and the database, once, whatever gets in the way."""

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import pytest
from PIL import Image
from sqlalchemy import func, select, text

from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording.generation import Arm, Generation, Outcome
from safelight.recording.images import ImageStore, LocalImages, image_key, thumbnail_key
from safelight.recording.losses import Losses
from safelight.recording.shipper import Shipper
from safelight.store import generations, traffic
from safelight.store.database import Database, StoreError
from safelight.store.generations import Filters
from safelight.store.journal import Entry, JournalFile
from safelight.store.tables import ScoreTask

MakeGeneration = Callable[..., Generation]
DAY = timedelta(days=1)


class Server(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


class FlakyImages:
    """An image store that is away for a while."""

    def __init__(self, store: ImageStore, failures: int) -> None:
        self._store, self._failures = store, failures

    def write(self, key: str, data: bytes) -> None:
        self.write_all({key: data})

    def write_all(self, objects: Mapping[str, bytes]) -> None:
        if self._failures:
            self._failures -= 1
            raise OSError("the store is away")
        self._store.write_all(objects)

    def read(self, key: str) -> bytes:
        return self._store.read(key)


def _keep(journal: JournalFile, *made: tuple[Generation, bytes | None]) -> None:
    journal.append([Entry(g.id, g.created_at, g.model_dump_json(), image) for g, image in made])


def _traffic(database: Database, now: datetime) -> list[traffic.Traffic]:
    with database.reading() as session:
        return traffic.between(session, "studio", now - DAY, now + DAY)


def _score_tasks(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(ScoreTask)) or 0


def test_a_generation_arrives_as_it_was_made(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    images: LocalImages,
    make_generation: MakeGeneration,
    png: bytes,
) -> None:
    made = make_generation(final_prompt="a photo of a red fox", replica="gpu-3", api_key_id=new_id())
    _keep(journal, (made, png))
    assert shipper.run_once() == 1
    assert shipper.run_once() == 0
    with database.reading() as session:
        stored = generations.get(session, made.id)
        assert generations.environment(session, "sha256:e") == {"torch": "2.14.1"}
    for field in set(Generation.model_fields) - {"environment", "seen"}:
        assert getattr(stored, field) == getattr(made, field), field
    assert stored.image_key is not None
    assert stored.thumbnail_key is not None
    assert images.read(stored.image_key) == png
    assert Image.open(io.BytesIO(images.read(stored.thumbnail_key))).size == (64, 64)
    assert stored.score is None
    assert _score_tasks(database) == 1


def test_traffic_is_counted_with_the_rows(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    make_generation: MakeGeneration,
    png: bytes,
    now: datetime,
) -> None:
    for _ in range(2):
        _keep(journal, (make_generation(created_at=now), png))
        _keep(journal, (make_generation(created_at=now + timedelta(milliseconds=1), outcome=Outcome.FAILED), None))
        _keep(journal, (make_generation(created_at=now + timedelta(minutes=1), arm=Arm.CANARY), png))
        shipper.run_once()
    first, second = _traffic(database, now)
    assert (first.arm, first.served, first.failed, first.bucket_start) == ("stable", 1, 1, now)
    assert (second.arm, second.served, second.bucket_start) == ("canary", 1, now + timedelta(minutes=1))
    assert sum(first.latency_counts) == first.latency_counts[traffic.latency_class(120.0)] == 1
    assert first.engine_ms_sum == 200.0


def test_an_entry_that_is_shipped_again_counts_once(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    make_generation: MakeGeneration,
    png: bytes,
    now: datetime,
) -> None:
    made = [(make_generation(), png) for _ in range(5)]
    _keep(journal, *made[:3])
    shipper.run_once()
    _keep(journal, *made)
    shipper.run_once()
    assert sum(bucket.served for bucket in _traffic(database, now)) == 5
    assert _score_tasks(database) == 5


def test_what_is_logged_keeps_its_image_whoever_sends_another_under_its_id(
    shipper: Shipper, journal: JournalFile, images: LocalImages, make_generation: MakeGeneration, png: bytes
) -> None:
    made, other = make_generation(), io.BytesIO()
    Image.new("RGB", (8, 8)).save(other, "PNG")
    _keep(journal, (made, png))
    shipper.run_once()
    _keep(journal, (made.model_copy(update={"prompt": "something else"}), other.getvalue()))
    assert shipper.run_once() == 1
    assert images.read(image_key(made.id)) == png
    assert images.read(thumbnail_key(made.id)) != b""
    assert shipper.run_once() == 0


def test_only_what_was_served_with_an_image_waits_for_a_score(
    shipper: Shipper, journal: JournalFile, database: Database, make_generation: MakeGeneration, png: bytes
) -> None:
    _keep(journal, (make_generation(outcome=Outcome.FILTERED), png), (make_generation(outcome=Outcome.CANCELLED), None))
    shipper.run_once()
    assert _score_tasks(database) == 0


def test_a_broken_image_is_kept_without_a_thumbnail(
    shipper: Shipper, journal: JournalFile, database: Database, images: LocalImages, make_generation: MakeGeneration
) -> None:
    made = make_generation()
    _keep(journal, (made, b"not a png"))
    shipper.run_once()
    with database.reading() as session:
        stored = generations.get(session, made.id)
    assert stored.thumbnail_key is None
    assert stored.image_key is not None
    assert images.read(stored.image_key) == b"not a png"


def test_what_the_database_will_never_take_lets_the_others_pass(
    shipper: Shipper, journal: JournalFile, database: Database, make_generation: MakeGeneration, png: bytes
) -> None:
    too_large = make_generation(seed=2**70)
    made = [make_generation(), too_large, make_generation()]
    _keep(journal, *((g, png) for g in made))
    journal.append([Entry(new_id(), made[0].created_at, '{"of": "another release"}', None)])
    shipper.run_once()
    with database.reading() as session:
        stored = generations.page(session, Filters())
    assert [g.id for g in stored] == [made[2].id, made[0].id]
    backlog = journal.backlog()
    assert (backlog.entries, backlog.refused) == (0, 2)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("changes", [{"prompt": "a\0fox"}, {"parameters": {"style": "\0"}}, {"version": 2**31}])
def test_what_postgres_cannot_hold_is_set_aside(
    shipper: Shipper, journal: JournalFile, make_generation: MakeGeneration, changes: dict[str, object]
) -> None:
    _keep(journal, (make_generation(**changes), None))
    shipper.run_once()
    backlog = journal.backlog()
    assert (backlog.entries, backlog.refused) == (0, 1)


def test_a_journal_without_its_database_waits_and_then_empties(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    make_generation: MakeGeneration,
    png: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE generations RENAME TO away"))
    _keep(journal, *((make_generation(), png) for _ in range(3)))
    stop = Event()
    thread = Thread(target=shipper.run, args=(stop,))
    thread.start()
    try:
        _eventually(lambda: "will keep trying" in caplog.text)
        assert journal.backlog().entries == 3
        with database.transaction() as session:
            session.execute(text("ALTER TABLE away RENAME TO generations"))
        _eventually(lambda: journal.backlog().entries == 0)
    finally:
        stop.set()
        thread.join()
    with database.reading() as session:
        assert len(generations.page(session, Filters())) == 3


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_server_that_crashes_while_generations_are_shipped_gets_each_once(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    make_generation: MakeGeneration,
    png: bytes,
    postgres_cluster: Server,
    caplog: pytest.LogCaptureFixture,
    now: datetime,
) -> None:
    stop = Event()
    thread = Thread(target=shipper.run, args=(stop,))
    thread.start()
    try:
        _keep(journal, *((make_generation(), png) for _ in range(70)))
        postgres_cluster.stop()
        try:
            _keep(journal, *((make_generation(), png) for _ in range(3)))
            _eventually(lambda: "will keep trying" in caplog.text)
        finally:
            postgres_cluster.start()  # it is every other test's too
        _eventually(lambda: journal.backlog().entries == 0)
    finally:
        stop.set()
        thread.join()
    with database.reading() as session:
        assert len(generations.page(session, Filters(), limit=100)) == 73
    assert sum(bucket.served for bucket in _traffic(database, now)) == 73


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_image_store_that_is_away_holds_the_rows_back(
    database: Database,
    journal: JournalFile,
    images: LocalImages,
    make_generation: MakeGeneration,
    png: bytes,
    tmp_path: Path,
    now: datetime,
) -> None:
    own = JournalFile(tmp_path / "journal", max_bytes=2**26)
    flaky = Shipper(
        own,
        Losses(60),
        FlakyImages(images, failures=1),
        database,
        ManualClock(now),
        bucket_seconds=60,
        thumbnail_pixels=64,
    )
    made = make_generation()
    _keep(journal, (made, png))
    with pytest.raises(OSError, match="away"):
        flaky.run_once()
    with database.reading() as session, pytest.raises(SafelightError, match="no generation"):
        generations.get(session, made.id)
    assert flaky.run_once() == 1
    flaky.close()


def test_what_was_served_unlogged_is_counted_once_the_database_can_be_told(
    shipper: Shipper, losses: Losses, database: Database, make_generation: MakeGeneration, now: datetime
) -> None:
    for _ in range(3):
        losses.add(make_generation(created_at=now))
    with database.transaction() as session:
        session.execute(text("ALTER TABLE traffic_buckets RENAME TO away"))
    with pytest.raises(StoreError):
        shipper.run_once()
    losses.add(make_generation(created_at=now))
    with database.transaction() as session:
        session.execute(text("ALTER TABLE away RENAME TO traffic_buckets"))
    shipper.run_once()
    shipper.run_once()
    (bucket,) = _traffic(database, now)
    assert (bucket.unlogged, bucket.served, sum(bucket.latency_counts)) == (4, 0, 0)
    assert losses.total == 4


def test_two_shippers_of_one_journal_count_once(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    images: LocalImages,
    make_generation: MakeGeneration,
    png: bytes,
    tmp_path: Path,
    now: datetime,
) -> None:
    _keep(journal, *((make_generation(created_at=now + timedelta(milliseconds=n)), png) for n in range(100)))
    other = Shipper(
        JournalFile(tmp_path / "journal", max_bytes=2**26),
        Losses(60),
        images,
        database,
        ManualClock(now),
        bucket_seconds=60,
        thumbnail_pixels=64,
    )
    stop = Event()
    threads = [Thread(target=each.run, args=(stop,)) for each in (shipper, other)]
    for thread in threads:
        thread.start()
    _eventually(lambda: journal.backlog().entries == 0)
    stop.set()
    for thread in threads:
        thread.join()
    other.close()
    (bucket,) = _traffic(database, now)
    assert bucket.served == sum(bucket.latency_counts) == 100
    assert bucket.bucket_start == datetime(2026, 11, 23, 12, tzinfo=UTC)


def _eventually(condition: Callable[[], bool]) -> None:
    patience = Event()
    for _ in range(300):
        if condition():
            return
        patience.wait(0.1)
    raise AssertionError("it did not happen within 30 seconds")
