"""Each channel has a line of its own: what waits in it, what is held back, given up and sent again."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from standardwebhooks import Webhook

from safelight.clock import ManualClock, SystemClock
from safelight.errors import SafelightError
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.making import NewChannel
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import access, channels, notifications
from safelight.store.database import Database
from safelight.store.notifications import State

from .conftest import Receiver, enqueue, make, read  # noqa: TID252


@pytest.mark.usefixtures("deliverer")
def test_what_nobody_is_told_is_counted_from_nought() -> None:
    for result in ("giveup", "disable"):
        labels = {"kind": "pagerduty", "result": result}
        assert REGISTRY.get_sample_value("safelight_deliveries_total", labels) is not None


def test_gone_disables_the_channel(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [410]
    identifier = enqueue(database, clock.now())
    clock.advance(0.001)
    deliverer.run_once()
    with database.transaction() as session:
        (disabled,) = channels.all_of(session)
        assert (disabled.enabled, disabled.disabled_reason) == (False, "The receiver answered 410 Gone.")
        assert outbox.enqueue(session, "incident.opened", {}, None, clock.now()) == 0
        (audited,) = access.audit_page(session, None, 10)
        assert (audited.actor, audited.action, audited.target) == ("safelight", "channel.disable", "on-call")
    assert read(database, identifier).state is State.FAILED
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay(session, identifier, clock.now())
    assert refusal.value.code == "channel_disabled"
    with database.transaction() as session:
        channels.enable(session, channel.channel.id)
        assert outbox.enqueue(session, "incident.opened", {}, None, clock.now()) == 1


def test_two_deliverers_do_not_send_one_notification_twice(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    identifier = enqueue(database, clock.now())
    with database.transaction() as session:
        until = clock.now() + timedelta(seconds=90)
        assert len(notifications.claim_due(session, clock.now(), until)) == 1
    assert deliverer.run_once() == 0
    clock.advance(90)  # whoever claimed it has died
    assert deliverer.run_once() == 1
    assert read(database, identifier).state is State.DELIVERED


def test_a_test_notification_goes_to_its_channel_alone(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    make(database, "other", "http://127.0.0.1:9/", clock.now())
    with database.transaction() as session:
        outbox.enqueue_test(session, channel.channel.id, clock.now())
    assert deliverer.run_once() == 1
    assert json.loads(receiver.requests[0][1])["type"] == "channel.test"


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
    other = make(database, "other", "http://127.0.0.1:9/", clock.now())
    with database.transaction() as session:
        quick = outbox.enqueue_test(session, other.channel.id, clock.now())
    assert deliverer.run_once() == 1
    started.pop().join()
    assert [each.error for each in read(database, quick).deliveries] == ["unreachable"]
    assert slow.is_alive()
    assert deliverer.run_once() == 0  # one at a time: the slow channel's second message waits for its first
    receiver.released.set()
    slow.join()
    assert deliverer.run_once() == 1
    started.pop().join()


def test_what_waits_for_a_channel_goes_to_its_new_address_at_once(
    database: Database, deliverer: Deliverer, receiver: Receiver, clock: ManualClock
) -> None:
    made = make(database, "on-call", "http://127.0.0.1:9/", clock.now())
    identifier = enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(5)
    deliverer.run_once()
    with database.transaction() as session:
        wanted = making.Edit(url=receiver.url)
        edited = making.edit(session, made.channel.id, 1, wanted, clock.now(), reach=Reach(private=True))
    assert edited.channel.revision == 2
    deliverer.run_once()
    assert read(database, identifier).state is State.DELIVERED
    ((headers, body),) = receiver.requests
    Webhook(str(made.secret)).verify(body, headers)


def test_too_many_requests_holds_back_whatever_else_waits_for_the_channel(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses, receiver.headers = [429, 200], {"Retry-After": "120"}
    first, second = enqueue(database, clock.now()), enqueue(database, clock.now())
    assert deliverer.run_once() == 1
    clock.advance(119)
    assert deliverer.run_once() == 0
    clock.advance(1)
    assert deliverer.run_once() + deliverer.run_once() == 2
    assert {read(database, each).state for each in (first, second)} == {State.DELIVERED}


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
    identifier = enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(3600)
    assert deliverer.run_once() == 0
    assert read(database, identifier).state is state


def test_a_channels_dead_letters_are_replayed_together(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [410]
    told = [enqueue(database, clock.now()) for _ in range(3)]
    deliverer.run_once()
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        outbox.replay_all(session, channel.channel.id, clock.now())
    assert refusal.value.code == "channel_disabled"
    receiver.statuses = [200]
    with database.transaction() as session:
        channels.enable(session, channel.channel.id)
        assert outbox.replay_all(session, channel.channel.id, clock.now()) == 3
    while deliverer.run_once():
        pass
    assert [headers["webhook-id"] for headers, _ in receiver.requests[1:]] == [str(each) for each in told]
    with database.transaction() as session:
        assert outbox.replay_all(session, channel.channel.id, clock.now()) == 0
