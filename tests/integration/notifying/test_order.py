"""What is told of one incident, in which order: nobody is told of a beginning after its end."""

from datetime import timedelta

import pytest

from safelight.errors import SafelightError
from safelight.notifying import outbox
from safelight.store import notifications
from safelight.store.notifications import State

from .conftest import Story, make  # noqa: TID252

CLAIM = timedelta(seconds=90)


def test_what_will_be_tried_again_in_a_moment_is_still_told_first(story: Story) -> None:
    story.happens("opened", "acknowledged", "resolved")
    assert story.delivers(500) == ["opened"]
    story.happens("held")
    assert story.delivers(200) == ["held"]  # another incident waits for nothing
    story.clock.advance(5)
    assert story.delivers(200) == ["opened", "acknowledged", "resolved"]


def test_a_receiver_that_was_told_the_end_is_not_told_the_beginning(story: Story) -> None:
    opened, resolved = story.happens("opened", "resolved")
    story.delivers(500)
    story.clock.advance(5)
    assert story.delivers(500, 200) == ["opened", "resolved"]  # the next attempt at the first is five minutes away
    story.clock.advance(300)
    assert story.delivers(200) == []
    assert story.read(resolved).state is State.DELIVERED
    told = story.read(opened)
    assert (told.state, told.deliveries[-1].error) == (State.FAILED, "superseded")
    with story.database.transaction() as session:
        with pytest.raises(SafelightError) as refusal:
            outbox.replay(session, opened.id, story.clock.now())
        assert outbox.replay_all(session, opened.channel_id, story.clock.now()) == 0
    assert refusal.value.code == "notification_superseded"


def test_what_is_not_over_is_told_however_late(story: Story) -> None:
    """Who makes a ticket of a beginning makes it, though the acknowledgement came before."""
    story.happens("opened", "acknowledged")
    story.delivers(500)
    story.clock.advance(5)
    assert story.delivers(500, 200) == ["opened", "acknowledged"]
    story.clock.advance(300)
    assert story.delivers(200) == ["opened"]


def test_what_begins_again_after_its_end_is_told(story: Story) -> None:
    story.happens("opened", "resolved", "reopened")
    story.delivers(500)
    story.clock.advance(5)
    assert story.delivers(500, 200, 500) == ["opened", "resolved", "reopened"]
    story.clock.advance(300)
    assert story.delivers(200) == ["reopened"]


def test_of_one_incident_no_two_workers_tell_a_channel_at_once(story: Story) -> None:
    """A slow attempt at the first message would else end after a quick one at the second."""
    story.happens("opened", "resolved")
    with story.database.transaction() as session:
        (elsewhere,) = notifications.claim_due(session, story.clock.now(), story.clock.now() + CLAIM)
    assert elsewhere.event == "incident.opened"
    story.happens("held")
    assert story.delivers(200) == ["held"]
    story.clock.advance(CLAIM.total_seconds())  # the other worker has died
    assert story.delivers(200) == ["opened", "resolved"]


def test_a_dead_letter_is_not_sent_again_while_another_worker_tells_something_newer(story: Story) -> None:
    opened, _ = story.happens("opened", "resolved")
    with story.database.transaction() as session:
        refused = notifications.Attempt(story.clock.now(), 1.0, 400, "status 400")
        notifications.record_attempt(session, opened.id, refused, State.FAILED)
    with story.database.transaction() as session:
        (elsewhere,) = notifications.claim_due(session, story.clock.now(), story.clock.now() + CLAIM)
        assert elsewhere.event == "incident.resolved"
        outbox.replay(session, opened.id, story.clock.now())
    assert story.delivers(200) == []


def test_other_channels_wait_for_nothing(story: Story) -> None:
    make(story.database, "other", story.receiver.url, story.clock.now())
    story.happens("opened", "resolved")
    assert story.delivers(500, 200, 200) == ["opened", "opened", "resolved"]
