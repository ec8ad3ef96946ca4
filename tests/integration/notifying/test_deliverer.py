"""From the outbox to a receiver that checks the signature with the specification's own library."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from safelight.clock import ManualClock, SystemClock
from safelight.errors import SafelightError
from safelight.notifying import outbox
from safelight.notifying.channels import NewChannel, create
from safelight.notifying.deliverer import Deliverer
from safelight.settings import NotifyingSettings
from safelight.store import notifications
from safelight.store.database import Database
from safelight.store.notifications import KnownNotification, State


class Receiver(Protocol):
    url: str
    statuses: list[int]
    headers: dict[str, str]
    trickle_seconds: float
    requests: list[tuple[dict[str, str], bytes]]


@pytest.fixture
def clock() -> ManualClock:
    # The verifying library compares with the real time.
    return ManualClock(SystemClock().now().replace(microsecond=0))


@pytest.fixture
def deliverer(database: Database, clock: ManualClock) -> Deliverer:
    return Deliverer(database, NotifyingSettings(allow_private_addresses=True), clock, jitter=lambda: 0.0)


@pytest.fixture
def channel(database: Database, receiver: Receiver, clock: ManualClock) -> NewChannel:
    with database.transaction() as session:
        return create(session, "on-call", receiver.url, clock.now(), allow_private=True)


def _enqueue(database: Database, now: datetime, **data: str) -> UUID:
    with database.transaction() as session:
        assert outbox.enqueue(session, "incident.opened", data, None, now) == 1
        (notification,) = notifications.page(session, limit=1)
    return notification.id


def _read(database: Database, identifier: UUID) -> KnownNotification:
    with database.reading() as session:
        return notifications.get(session, identifier)


def test_a_notification_arrives_signed(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    identifier = _enqueue(database, clock.now(), title="Colours are swapped · 红", link="https://x/?a=1&b=2")
    assert deliverer.run_once() == 1
    assert deliverer.run_once() == 0

    ((headers, body),) = receiver.requests
    told = Webhook(channel.secret).verify(body, headers)
    assert told == {
        "type": "incident.opened",
        "timestamp": clock.now().isoformat(),
        "data": {"title": "Colours are swapped · 红", "link": "https://x/?a=1&b=2"},
    }
    assert headers["webhook-id"] == str(identifier)
    assert headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(channel.secret).verify(body.replace(b"swapped", b"right"), headers)

    sent = _read(database, identifier)
    assert (sent.state, sent.attempts, sent.next_attempt_at) == (State.DELIVERED, 1, None)
    ((attempt),) = sent.deliveries
    assert (attempt.attempt, attempt.status, attempt.error) == (1, 204, "")


def test_a_receiver_that_fails_is_tried_on_schedule_under_one_id(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [500, 302, 200]
    receiver.headers = {"Location": "http://127.0.0.1:9/elsewhere"}
    identifier = _enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(4.9)
    assert deliverer.run_once() == 0
    clock.advance(0.1)
    assert deliverer.run_once() == 1
    clock.advance(300)
    assert deliverer.run_once() == 1
    sent = _read(database, identifier)
    assert sent.state is State.DELIVERED
    assert [(d.attempt, d.status, d.error) for d in sent.deliveries] == [
        (1, 500, "status 500"),
        (2, 302, "status 302"),
        (3, 200, ""),
    ]
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {str(identifier)}


def test_an_exhausted_schedule_fails_and_can_be_replayed(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [500]
    identifier = _enqueue(database, clock.now())
    attempts = 0
    while _read(database, identifier).state is State.PENDING:
        attempts += deliverer.run_once()
        clock.advance(3600)
    assert attempts == len(receiver.requests) == 10
    failed = _read(database, identifier)
    assert (failed.state, failed.next_attempt_at) == (State.FAILED, None)

    receiver.statuses = [500, 200]
    with database.transaction() as session:
        assert notifications.replay(session, identifier, clock.now()).state is State.PENDING
    deliverer.run_once()
    clock.advance(5)
    deliverer.run_once()
    sent = _read(database, identifier)
    assert (sent.state, sent.attempts, len(sent.deliveries)) == (State.DELIVERED, 2, 12)
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        notifications.replay(session, identifier, clock.now())
    assert refusal.value.code == "notification_not_failed"


def test_gone_disables_the_channel(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [410]
    identifier = _enqueue(database, clock.now())
    clock.advance(0.001)
    deliverer.run_once()
    with database.transaction() as session:
        (disabled,) = notifications.channels(session)
        assert (disabled.enabled, disabled.disabled_reason) == (False, "The receiver answered 410 Gone.")
        assert outbox.enqueue(session, "incident.opened", {}, None, clock.now()) == 0
    assert _read(database, identifier).state is State.FAILED
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        notifications.replay(session, identifier, clock.now())
    assert refusal.value.code == "channel_disabled"
    with database.transaction() as session:
        notifications.enable_channel(session, channel.channel.id)
        assert outbox.enqueue(session, "incident.opened", {}, None, clock.now()) == 1


def test_a_receiver_may_ask_for_time(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses, receiver.headers = [429], {"Retry-After": "120"}
    identifier = _enqueue(database, clock.now())
    deliverer.run_once()
    assert _read(database, identifier).next_attempt_at == clock.now() + timedelta(seconds=120)
    clock.advance(120)
    at = (clock.now() + timedelta(hours=1)).astimezone(UTC)
    receiver.headers = {"Retry-After": at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    deliverer.run_once()
    assert _read(database, identifier).next_attempt_at == at


def test_nobody_at_home_is_unreachable(database: Database, deliverer: Deliverer, clock: ManualClock) -> None:
    with database.transaction() as session:
        create(session, "on-call", "http://127.0.0.1:9/", clock.now(), allow_private=True)
    identifier = _enqueue(database, clock.now())
    deliverer.run_once()
    (attempt,) = _read(database, identifier).deliveries
    assert (attempt.status, attempt.error) == (None, "unreachable")


def test_a_receiver_that_trickles_does_not_hold_the_deliverer(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.trickle_seconds = 30
    settings = NotifyingSettings(allow_private_addresses=True, timeout_seconds=0.5)
    identifier = _enqueue(database, clock.now())
    watch = SystemClock()
    began = watch.monotonic()
    Deliverer(database, settings, watch, jitter=lambda: 0.0).run_once()
    assert watch.monotonic() - began < 10
    (attempt,) = _read(database, identifier).deliveries
    assert attempt.error == "timeout"


def test_a_private_address_is_not_connected_to(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    """The channel was made when private addresses were allowed, or its name has come to mean one since."""
    identifier = _enqueue(database, clock.now())
    Deliverer(database, NotifyingSettings(), clock, jitter=lambda: 0.0).run_once()
    (attempt,) = _read(database, identifier).deliveries
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


def test_two_deliverers_do_not_send_one_notification_twice(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    identifier = _enqueue(database, clock.now())
    with database.transaction() as session:
        until = clock.now() + timedelta(seconds=90)
        assert len(notifications.claim_due(session, clock.now(), until, limit=10)) == 1
    assert deliverer.run_once() == 0
    clock.advance(90)  # whoever claimed it has died
    assert deliverer.run_once() == 1
    assert _read(database, identifier).state is State.DELIVERED


def test_a_test_notification_goes_to_its_channel_alone(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    with database.transaction() as session:
        create(session, "other", "http://127.0.0.1:9/", clock.now(), allow_private=True)
        outbox.enqueue_test(session, channel.channel.id, clock.now())
    assert deliverer.run_once() == 1
    assert json.loads(receiver.requests[0][1])["type"] == "channel.test"


def test_a_channels_secret_stays_out_of_logs_and_lists(
    database: Database, channel: NewChannel, deliverer: Deliverer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    _enqueue(database, clock.now())
    with caplog.at_level(logging.DEBUG):
        deliverer.run_once()
    _enqueue(database, clock.now())
    with database.transaction() as session:
        due = notifications.claim_due(session, clock.now(), clock.now(), limit=10)
        shown = f"{due} {notifications.channels(session)} {caplog.text}"
    assert channel.secret not in shown


def test_two_channels_of_one_name_are_refused(database: Database, channel: NewChannel, clock: ManualClock) -> None:
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        create(session, "on-call", "https://hooks.example.com", clock.now(), allow_private=False)
    assert refusal.value.code == "channel_exists"


def test_secrets_are_made_for_each_channel(database: Database, clock: ManualClock) -> None:
    with database.transaction() as session:
        secrets = {
            create(session, f"channel {number}", "https://hooks.example.com", clock.now(), allow_private=False).secret
            for number in range(3)
        }
    assert len(secrets) == 3
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)
