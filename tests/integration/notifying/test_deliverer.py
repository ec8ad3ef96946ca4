"""From the outbox to a receiver, and again on schedule."""

from datetime import UTC, timedelta

import pytest

from safelight.clock import ManualClock, SystemClock
from safelight.errors import SafelightError
from safelight.notifying import outbox
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.making import NewChannel
from safelight.notifying.message import Message
from safelight.notifying.retry import Outcome
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store.channels import Access
from safelight.store.database import Database
from safelight.store.notifications import State

from .conftest import Receiver, Story, enqueue, make, make_deliverer, read  # noqa: TID252


def test_a_receiver_that_fails_is_tried_on_schedule_under_one_id(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [500, 302, 200]
    receiver.headers = {"Location": "http://127.0.0.1:9/elsewhere"}
    identifier = enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(4.9)
    assert deliverer.run_once() == 0
    clock.advance(0.1)
    assert deliverer.run_once() == 1
    clock.advance(300)
    assert deliverer.run_once() == 1
    sent = read(database, identifier)
    assert sent.state is State.DELIVERED
    assert [(d.attempt, d.status, d.error) for d in sent.deliveries] == [
        (1, 500, "status 500"),
        (2, 302, "status 302: a redirect, not followed"),
        (3, 200, ""),
    ]
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {str(identifier)}


def test_an_exhausted_schedule_fails_and_can_be_replayed(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [500]
    identifier = enqueue(database, clock.now())
    attempts = 0
    while read(database, identifier).state is State.PENDING:
        attempts += deliverer.run_once()
        clock.advance(3600)
    assert attempts == len(receiver.requests) == 10
    failed = read(database, identifier)
    assert (failed.state, failed.next_attempt_at) == (State.FAILED, None)

    receiver.statuses = [500, 200]
    with database.transaction() as session:
        assert outbox.replay(session, identifier, clock.now()).state is State.PENDING
    deliverer.run_once()
    clock.advance(5)
    deliverer.run_once()
    sent = read(database, identifier)
    assert (sent.state, sent.attempts, len(sent.deliveries)) == (State.DELIVERED, 2, 12)
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay(session, identifier, clock.now())
    assert refusal.value.code == "notification_not_failed"


def test_a_receiver_may_ask_for_time(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses, receiver.headers = [429], {"Retry-After": "120"}
    identifier = enqueue(database, clock.now())
    deliverer.run_once()
    assert read(database, identifier).next_attempt_at == clock.now() + timedelta(seconds=120)
    clock.advance(120)
    at = (clock.now() + timedelta(hours=1)).astimezone(UTC)
    receiver.headers = {"Retry-After": at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    deliverer.run_once()
    assert read(database, identifier).next_attempt_at == at


def test_nobody_at_home_is_unreachable(database: Database, deliverer: Deliverer, clock: ManualClock) -> None:
    make(database, "on-call", "http://127.0.0.1:9/", clock.now())
    identifier = enqueue(database, clock.now())
    deliverer.run_once()
    (attempt,) = read(database, identifier).deliveries
    assert (attempt.status, attempt.error) == (None, "unreachable")


def test_a_receiver_that_trickles_does_not_hold_the_deliverer(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.behave("TRICKLES")
    settings = NotifyingSettings(allow_private_addresses=True, timeout_seconds=0.5)
    identifier = enqueue(database, clock.now())
    watch = SystemClock()
    began = watch.monotonic()
    make_deliverer(database, watch, settings).run_once()
    assert watch.monotonic() - began < 10
    (attempt,) = read(database, identifier).deliveries
    assert attempt.error == "timeout"


def test_a_private_address_is_not_connected_to(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    """The channel was made when private addresses were allowed, or its name has come to mean one since."""
    identifier = enqueue(database, clock.now())
    make_deliverer(database, clock, NotifyingSettings()).run_once()
    (attempt,) = read(database, identifier).deliveries
    assert attempt.error == "forbidden_address"
    assert receiver.requests == []


def test_an_event_that_does_not_happen_tells_nobody(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    def fail() -> None:
        with database.transaction() as session:
            outbox.enqueue(session, "incident.opened", {}, None, clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert deliverer.run_once() == 0
    assert receiver.requests == []


def test_a_redirect_into_the_inside_is_not_followed(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    """Nor is any other: the specification takes it for a failure, and what is signed goes where it was meant."""
    receiver.statuses = [307]
    receiver.headers = {"Location": "http://169.254.169.254/latest/meta-data/"}
    identifier = enqueue(database, clock.now())
    deliverer.run_once()
    (attempt,) = read(database, identifier).deliveries
    assert (attempt.status, attempt.error) == (307, "status 307: a redirect, not followed")


def test_a_fault_of_ours_is_an_attempt_that_comes_to_an_end_and_lets_others_pass(
    story: Story, deliverer: Deliverer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, resolved = story.happens("opened", "resolved")
    send = Sender.send

    def fail(sender: Sender, message: Message, to: Access) -> Outcome:
        if message.id == opened.id:
            raise KeyError("of another release")
        return send(sender, message, to)

    monkeypatch.setattr(Sender, "send", fail)
    while story.read(opened).state is State.PENDING:
        deliverer.run_once()
        clock.advance(3600)
    assert story.read(opened).deliveries[0].error == "fault"
    assert story.read(resolved).state is State.DELIVERED
