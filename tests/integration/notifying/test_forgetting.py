"""What arrived long ago is let go of; what is needed to tell nobody anything false is not."""

from datetime import timedelta
from pathlib import Path

import pytest

from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.notifying import outbox
from safelight.recording.images import LocalImages
from safelight.recording.retention import Retention
from safelight.settings import RetentionSettings
from safelight.store import notifications
from safelight.store.notifications import SUPERSEDED, Attempt, State

from .conftest import Story  # noqa: TID252


def test_what_arrived_long_ago_is_let_go_of_and_what_is_needed_is_not(story: Story, tmp_path: Path) -> None:
    over = story.happens("opened", "resolved")
    lasts = story.happens("opened")
    dead, overtook = story.happens("opened", "resolved")
    with story.database.transaction() as session:
        refused = Attempt(story.clock.now(), 1.0, 400, "status 400")
        notifications.record_attempt(session, dead.id, refused, State.FAILED)
    story.delivers(200)
    waits = story.happens("opened", "resolved")
    assert _left(story, tmp_path, days=399) == {each.id for each in (*over, *lasts, dead, overtook, *waits)}
    assert _left(story, tmp_path, days=401) == {each.id for each in (*lasts, dead, overtook, *waits)}
    with story.database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay(session, dead.id, story.clock.now())
    assert refusal.value.code == "notification_superseded"


def test_what_came_too_late_is_let_go_of_with_what_came_instead_of_it(story: Story, tmp_path: Path) -> None:
    late, instead = story.happens("opened", "resolved")
    story.delivers(500)
    story.clock.advance(5)
    assert story.delivers(500, 200) == ["opened", "resolved"]
    story.clock.advance(300)
    assert story.delivers(200) == []
    assert story.read(late).deliveries[-1].error == SUPERSEDED
    assert _left(story, tmp_path, days=399) == {late.id, instead.id}
    assert _left(story, tmp_path, days=401) == set()


def _left(story: Story, folder: Path, days: int) -> set[object]:
    later = ManualClock(story.clock.now() + timedelta(days=days))
    retention = Retention(story.database, LocalImages(folder), RetentionSettings(), later)
    while retention.run_once():
        pass
    with story.database.reading() as session:
        return {each.id for each in notifications.page(session, limit=100)}
