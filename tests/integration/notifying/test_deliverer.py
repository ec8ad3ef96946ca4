"""From the outbox to a receiver that checks the signature with the specification's own library."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Protocol
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from safelight.clock import Clock, ManualClock, SystemClock
from safelight.errors import SafelightError
from safelight.notifying import channels, outbox
from safelight.notifying.addresses import PUBLIC, Reach
from safelight.notifying.channels import NewChannel
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import access, notifications
from safelight.store.database import Database
from safelight.store.notifications import ChannelKind, KnownNotification, State


class Receiver(Protocol):
    url: str
    statuses: list[int]
    headers: dict[str, str]
    released: Event
    came: Callable[[], None]
    requests: list[tuple[dict[str, str], bytes]]

    def behave(self, manner: str) -> None: ...


@pytest.fixture
def clock() -> ManualClock:
    # The verifying library compares with the real time.
    return ManualClock(SystemClock().now().replace(microsecond=0))


def at_once(work: Callable[[], None]) -> None:
    work()


def _deliverer(database: Database, clock: Clock, settings: NotifyingSettings) -> Deliverer:
    return Deliverer(database, Sender(settings, clock), clock, jitter=lambda: 0.0, start=at_once)


@pytest.fixture
def deliverer(database: Database, clock: ManualClock) -> Deliverer:
    return _deliverer(database, clock, NotifyingSettings(allow_private_addresses=True))


def _create(
    database: Database, name: str, url: str, now: datetime, kind: ChannelKind = ChannelKind.WEBHOOK, secret: str = ""
) -> NewChannel:
    with database.transaction() as session:
        return channels.create(session, name, kind, now, url=url, secret=secret, reach=Reach(private=True))


@pytest.fixture
def channel(database: Database, receiver: Receiver, clock: ManualClock) -> NewChannel:
    return _create(database, "on-call", receiver.url, clock.now())


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
    assert channel.secret is not None
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
        (2, 302, "status 302: a redirect, not followed"),
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
        assert outbox.replay(session, identifier, clock.now()).state is State.PENDING
    deliverer.run_once()
    clock.advance(5)
    deliverer.run_once()
    sent = _read(database, identifier)
    assert (sent.state, sent.attempts, len(sent.deliveries)) == (State.DELIVERED, 2, 12)
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay(session, identifier, clock.now())
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
        (audited,) = access.audit_page(session, None, 10)
        assert (audited.actor, audited.action, audited.target) == ("safelight", "channel.disable", "on-call")
    assert _read(database, identifier).state is State.FAILED
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay(session, identifier, clock.now())
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
    _create(database, "on-call", "http://127.0.0.1:9/", clock.now())
    identifier = _enqueue(database, clock.now())
    deliverer.run_once()
    (attempt,) = _read(database, identifier).deliveries
    assert (attempt.status, attempt.error) == (None, "unreachable")


def test_a_receiver_that_trickles_does_not_hold_the_deliverer(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.behave("TRICKLES")
    settings = NotifyingSettings(allow_private_addresses=True, timeout_seconds=0.5)
    identifier = _enqueue(database, clock.now())
    watch = SystemClock()
    began = watch.monotonic()
    _deliverer(database, watch, settings).run_once()
    assert watch.monotonic() - began < 10
    (attempt,) = _read(database, identifier).deliveries
    assert attempt.error == "timeout"


def test_a_private_address_is_not_connected_to(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    """The channel was made when private addresses were allowed, or its name has come to mean one since."""
    identifier = _enqueue(database, clock.now())
    _deliverer(database, clock, NotifyingSettings()).run_once()
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
        assert len(notifications.claim_due(session, clock.now(), until)) == 1
    assert deliverer.run_once() == 0
    clock.advance(90)  # whoever claimed it has died
    assert deliverer.run_once() == 1
    assert _read(database, identifier).state is State.DELIVERED


def test_a_test_notification_goes_to_its_channel_alone(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    _create(database, "other", "http://127.0.0.1:9/", clock.now())
    with database.transaction() as session:
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
        due = notifications.claim_due(session, clock.now(), clock.now())
        shown = f"{due} {notifications.channels(session)} {caplog.text}"
    assert len(due) == 1
    assert str(channel.secret) not in shown


def test_two_channels_of_one_name_are_refused(database: Database, channel: NewChannel, clock: ManualClock) -> None:
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        channels.create(
            session, "on-call", ChannelKind.WEBHOOK, clock.now(), url="https://hooks.example.com", reach=PUBLIC
        )
    assert refusal.value.code == "channel_exists"


def test_secrets_are_made_for_each_channel(database: Database, clock: ManualClock) -> None:
    made = [_create(database, f"channel {number}", "https://hooks.example.com", clock.now()) for number in range(3)]
    secrets = {str(each.secret) for each in made}
    assert len(secrets) == 3
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)


def test_a_redirect_into_the_inside_is_not_followed(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    """Nor is any other: the specification takes it for a failure, and what is signed goes where it was meant."""
    receiver.statuses = [307]
    receiver.headers = {"Location": "http://169.254.169.254/latest/meta-data/"}
    identifier = _enqueue(database, clock.now())
    deliverer.run_once()
    (attempt,) = _read(database, identifier).deliveries
    assert (attempt.status, attempt.error) == (307, "status 307: a redirect, not followed")


def test_while_a_secret_is_rotated_both_sign_and_then_the_new_one_alone(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    with database.transaction() as session:
        rotated = channels.rotate(session, channel.channel.id, clock.now(), timedelta(hours=24))
    assert rotated.secret is not None
    assert channel.secret is not None
    assert rotated.secret != channel.secret
    assert rotated.channel.previous_secret_until == clock.now() + timedelta(hours=24)
    _enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(24 * 3600)
    _enqueue(database, clock.now())
    deliverer.run_once()
    (during, during_body), (after, after_body) = receiver.requests
    assert len(during["webhook-signature"].split()) == 2
    for secret in (channel.secret, rotated.secret):
        Webhook(secret).verify(during_body, during)
    assert len(after["webhook-signature"].split()) == 1
    assert _signed_by(rotated.secret, after, after_body)
    assert not _signed_by(channel.secret, after, after_body)


def test_a_rotation_without_overlap_ends_the_previous_secret_at_once(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    with database.transaction() as session:
        channels.rotate(session, channel.channel.id, clock.now(), timedelta(0))
    _enqueue(database, clock.now())
    deliverer.run_once()
    ((headers, body),) = receiver.requests
    assert not _signed_by(str(channel.secret), headers, body)


def _signed_by(secret: str, headers: dict[str, str], body: bytes) -> bool:
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(headers["webhook-id"], at, body.decode()) in headers["webhook-signature"].split()


def test_a_slow_channel_keeps_nobody_else_waiting(
    database: Database, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    """A hundred messages wait for a receiver that hangs; the newest of another channel is delivered at once."""
    receiver.behave("HANGS")
    with database.transaction() as session:
        for _ in range(100):
            outbox.enqueue_test(session, channel.channel.id, clock.now())
    sender = Sender(NotifyingSettings(allow_private_addresses=True, timeout_seconds=20), SystemClock())
    started: list[threading.Thread] = []

    def start(work: Callable[[], None]) -> None:
        started.append(threading.Thread(target=work))
        started[-1].start()

    deliverer = Deliverer(database, sender, clock, jitter=lambda: 0.0, start=start)
    assert deliverer.run_once() == 1
    slow = started.pop()
    other = _create(database, "other", "http://127.0.0.1:9/", clock.now())
    with database.transaction() as session:
        quick = outbox.enqueue_test(session, other.channel.id, clock.now())
    assert deliverer.run_once() == 1
    started.pop().join()
    assert [each.error for each in _read(database, quick).deliveries] == ["unreachable"]
    assert slow.is_alive()
    assert deliverer.run_once() == 0  # one at a time: the slow channel's second message waits for its first
    receiver.released.set()
    slow.join()
    assert deliverer.run_once() == 1
    started.pop().join()


def test_too_many_requests_holds_back_whatever_else_waits_for_the_channel(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses, receiver.headers = [429, 200], {"Retry-After": "120"}
    first, second = _enqueue(database, clock.now()), _enqueue(database, clock.now())
    assert deliverer.run_once() == 1
    clock.advance(119)
    assert deliverer.run_once() == 0
    clock.advance(1)
    assert deliverer.run_once() + deliverer.run_once() == 2
    assert {_read(database, each).state for each in (first, second)} == {State.DELIVERED}


def test_a_test_of_a_disabled_channel_is_refused(database: Database, channel: NewChannel, clock: ManualClock) -> None:
    with database.transaction() as session:
        notifications.disable_channel(session, channel.channel.id, "no longer wanted")
        with pytest.raises(SafelightError) as refusal:
            outbox.enqueue_test(session, channel.channel.id, clock.now())
    assert refusal.value.code == "channel_disabled"


@pytest.mark.parametrize(("status", "state"), [(500, State.FAILED), (200, State.DELIVERED)])
def test_a_channel_that_is_switched_off_during_an_attempt_gets_no_other(
    status: int,
    state: State,
    database: Database,
    deliverer: Deliverer,
    channel: NewChannel,
    receiver: Receiver,
    clock: ManualClock,
) -> None:
    def switch_off() -> None:
        with database.transaction() as session:
            notifications.disable_channel(session, channel.channel.id, "no longer wanted")

    receiver.statuses, receiver.came = [status], switch_off
    identifier = _enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(3600)
    assert deliverer.run_once() == 0
    assert _read(database, identifier).state is state


def test_a_channels_dead_letters_are_replayed_together(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [410]
    told = [_enqueue(database, clock.now()) for _ in range(3)]
    deliverer.run_once()
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay_all(session, channel.channel.id, clock.now())
    assert refusal.value.code == "channel_disabled"
    receiver.statuses = [200]
    with database.transaction() as session:
        notifications.enable_channel(session, channel.channel.id)
        assert outbox.replay_all(session, channel.channel.id, clock.now()) == 3
    while deliverer.run_once():
        pass
    assert [headers["webhook-id"] for headers, _ in receiver.requests[1:]] == [str(each) for each in told]
    with database.transaction() as session:
        assert outbox.replay_all(session, channel.channel.id, clock.now()) == 0
