"""Votes and what they count for."""

from datetime import UTC, datetime, timedelta
from threading import Thread

from safelight.ids import new_id
from safelight.store import feedback
from safelight.store.database import Database
from safelight.store.feedback import FeedbackKey, FeedbackKind, FeedbackPoint

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BUCKET = FeedbackKey("studio", 2, "stable", NOON)


def counts(database: Database) -> list[FeedbackPoint]:
    with database.reading() as session:
        return feedback.between(session, "studio", 2, "stable", NOON, NOON + timedelta(minutes=1))


def test_an_image_counts_once_a_kind_however_many_agree(database: Database) -> None:
    image = new_id()
    for rater, kind in (("one", "down"), ("another", "down"), ("one", "down"), ("another", "regenerated")):
        with database.transaction() as session:
            feedback.give(session, image, rater, FeedbackKind(kind), NOON, BUCKET)
    assert counts(database) == [FeedbackPoint(NOON, up=0, down=1, regenerated=1, downloaded=0)]
    with database.reading() as session:
        assert feedback.of_generation(session, image) == {FeedbackKind.DOWN: 2, FeedbackKind.REGENERATED: 1}


def test_who_thinks_again_takes_the_first_vote_back(database: Database) -> None:
    image = new_id()
    for kind in (FeedbackKind.DOWN, FeedbackKind.DOWNLOADED, FeedbackKind.UP):
        with database.transaction() as session:
            feedback.give(session, image, "one", kind, NOON, BUCKET)
    assert counts(database) == [FeedbackPoint(NOON, up=1, down=0, regenerated=0, downloaded=1)]


def test_late_feedback_is_kept_and_not_counted(database: Database) -> None:
    image = new_id()
    with database.transaction() as session:
        feedback.give(session, image, "one", FeedbackKind.DOWN, NOON + timedelta(days=2), None)
    assert counts(database) == []
    with database.reading() as session:
        assert feedback.of_generation(session, image) == {FeedbackKind.DOWN: 1}


def test_many_who_vote_at_once_count_as_they_are(database: Database) -> None:
    images = [new_id() for _ in range(4)]

    def vote(rater: str) -> None:
        for image in images:
            for kind in (FeedbackKind.DOWN, FeedbackKind.UP):
                with database.transaction() as session:
                    feedback.give(session, image, rater, kind, NOON, BUCKET)

    threads = [Thread(target=vote, args=(rater,)) for rater in ("one", "another", "a third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(database) == [FeedbackPoint(NOON, up=4, down=0, regenerated=0, downloaded=0)]
