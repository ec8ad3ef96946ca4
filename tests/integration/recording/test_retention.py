"""What is old is let go of; what incidents and probes rest on is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from safelight.clock import ManualClock
from safelight.recording.generation import Generation
from safelight.recording.images import LocalImages
from safelight.recording.retention import Retention
from safelight.recording.shipper import Shipper
from safelight.settings import RetentionSettings
from safelight.store import feedback, generations, incidents, partitions, scores
from safelight.store.database import Database
from safelight.store.feedback import FeedbackKind
from safelight.store.generations import Filters
from safelight.store.journal import Entry, JournalFile
from safelight.store.partitions import ensure_partitions
from safelight.store.scores import GenerationScore
from safelight.store.tables import FeedbackRow, Score, ScoreTask

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

Log: TypeAlias = Callable[[datetime], Generation]


@pytest.fixture
def log(
    shipper: Shipper, journal: JournalFile, database: Database, make_generation: Callable[..., Generation], png: bytes
) -> Log:
    """Records a generation made at a moment, with a score and a thumb up."""

    def log(at: datetime) -> Generation:
        made = make_generation(created_at=at)
        journal.append([Entry(made.id, at, made.model_dump_json(), png)])
        shipper.run_once()
        with database.transaction() as session:
            scores.add(session, [GenerationScore(made.id, "studio", 1, at, "sha256:embedder", alignment=0.3)])
            feedback.give(session, made.id, "anna", FeedbackKind.UP, at, None)
        return made

    return log


def _retention(database: Database, images: LocalImages, now: datetime, **days: int) -> Retention:
    return Retention(database, images, RetentionSettings(**days), ManualClock(now))


def _run(retention: Retention) -> int:
    steps = 0
    while retention.run_once():
        steps += 1
        assert steps < 100, "it never comes to an end"
    return steps


def _blame(database: Database, made: Generation, at: datetime) -> None:
    with database.transaction() as session:
        incidents.open_incident(
            session,
            generator="studio",
            dedup_key="studio",
            title="",
            monitor="drift",
            reason="tail_excess",
            verdict_id=None,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence={"worst_images": [{"id": str(made.id), "alignment": 0.1}]},
            now=at,
        )


def _logged(database: Database) -> list[UUID]:
    with database.reading() as session:
        return sorted(each.id for each in generations.page(session, Filters(), limit=1000))


def _findings(database: Database) -> list[int]:
    with database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (Score, ScoreTask, FeedbackRow)
        ]


def test_images_are_let_go_of_by_day_and_their_rows_say_so(
    log: Log, database: Database, images: LocalImages, now: datetime
) -> None:
    old, blamed, young = log(now - 40 * DAY), log(now - 40 * DAY + DAY), log(now - 2 * DAY)
    _blame(database, blamed, now)
    _run(_retention(database, images, now, images_days=30))
    with database.reading() as session:
        stored = {each.id: generations.get(session, each.id) for each in (old, blamed, young)}
    assert (stored[old.id].image_key, stored[old.id].thumbnail_key) == (None, None)
    assert stored[old.id].image_sha256 is not None, "what it was is still known"
    for each in (blamed, young):
        key, small = stored[each.id].image_key, stored[each.id].thumbnail_key
        assert images.read(key or "")
        assert images.read(small or "")
    assert images.keys((now - 40 * DAY).date()) == []
    assert _findings(database) == [3, 3, 3]


def test_without_a_limit_nothing_is_let_go_of(log: Log, database: Database, images: LocalImages, now: datetime) -> None:
    made = log(now - 4000 * DAY)
    assert _run(_retention(database, images, now)) == 0
    assert _logged(database) == [made.id]


def test_rows_go_with_their_images_and_all_that_was_found_out(
    log: Log, database: Database, images: LocalImages
) -> None:
    if not database.is_sqlite:
        with database.transaction() as session:
            for month in (1, 2):
                ensure_partitions(session, NEW_YEAR.replace(month=month), months_ahead=0)
    old = [log(NEW_YEAR + n * DAY) for n in range(3)]
    blamed, young = log(NEW_YEAR + 5 * DAY), log(NEW_YEAR + 45 * DAY)
    _blame(database, blamed, NEW_YEAR + 6 * DAY)
    early = log(NEW_YEAR - 400 * DAY)  # imported long after the months of its time

    now = NEW_YEAR + 61 * DAY  # all January is thirty days old, and half of February is not
    retention = _retention(database, images, now, rows_days=30)
    _run(retention)
    assert _logged(database) == [blamed.id, young.id]
    assert _findings(database) == [2, 2, 2]
    for each in [*old, early]:
        assert images.keys(each.created_at.date()) == []
    with database.reading() as session:
        kept = generations.get(session, blamed.id)
        assert kept.image_key is not None
        assert images.read(kept.image_key)
        assert kept.score is not None

    _run(retention)
    assert _logged(database) == [blamed.id, young.id]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_month_is_dropped_as_a_whole(log: Log, database: Database, images: LocalImages) -> None:
    with database.transaction() as session:
        ensure_partitions(session, NEW_YEAR, months_ahead=1)
    blamed = log(NEW_YEAR + DAY)
    _blame(database, blamed, NEW_YEAR + DAY)
    for n in range(3):
        log(NEW_YEAR + (n + 0.5) * DAY)
    half = NEW_YEAR + 15 * DAY
    _run(_retention(database, images, half + 3 * DAY, rows_days=3))
    with database.reading() as session:
        assert session.scalar(text("SELECT to_regclass('generations_p2026_01')")) is not None
    assert len(_logged(database)) == 4, "half a month is no month"

    _run(_retention(database, images, NEW_YEAR + 40 * DAY, rows_days=3))
    with database.reading() as session:
        assert session.scalar(text("SELECT to_regclass('generations_p2026_01')")) is None
        assert session.scalar(text("SELECT tableoid::regclass::text FROM generations")) == "generations_default"
        oldest = partitions.oldest(session)
    assert oldest is not None
    assert _logged(database) == [blamed.id]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_more_than_a_batch_takes_several_steps(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    images: LocalImages,
    make_generation: Callable[..., Generation],
    now: datetime,
) -> None:
    made = [make_generation(created_at=now - 40 * DAY + timedelta(seconds=n)) for n in range(1100)]
    journal.append([Entry(each.id, now, each.model_dump_json(), None) for each in made])
    while shipper.run_once():
        pass
    assert _run(_retention(database, images, now, rows_days=30)) == 3
    assert _logged(database) == []
