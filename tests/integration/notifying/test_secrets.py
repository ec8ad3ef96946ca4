"""Signatures that the specification's own library verifies, and the secrets they are made with."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook, WebhookVerificationError

from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.notifying import making
from safelight.notifying.addresses import PUBLIC
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.making import NewChannel
from safelight.store import channels, notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Database, StoreError
from safelight.store.notifications import State
from safelight.store.tables import Channel

from .conftest import Receiver, enqueue, make, read  # noqa: TID252


def test_a_notification_arrives_signed(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    identifier = enqueue(database, clock.now(), title="Colours are swapped · 红", link="https://x/?a=1&b=2")
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

    sent = read(database, identifier)
    assert (sent.state, sent.attempts, sent.next_attempt_at) == (State.DELIVERED, 1, None)
    ((attempt),) = sent.deliveries
    assert (attempt.attempt, attempt.status, attempt.error) == (1, 204, "")


def test_a_channels_secret_stays_out_of_logs_and_lists(
    database: Database, channel: NewChannel, deliverer: Deliverer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    enqueue(database, clock.now())
    with caplog.at_level(logging.DEBUG):
        deliverer.run_once()
    enqueue(database, clock.now())
    with database.transaction() as session:
        due = notifications.claim_due(session, clock.now(), clock.now())
        shown = f"{due} {channels.all_of(session)} {caplog.text}"
    assert len(due) == 1
    assert str(channel.secret) not in shown


def test_what_the_database_refuses_is_quoted_without_its_values(database: Database, channel: NewChannel) -> None:
    """Such an error is logged whole."""
    with pytest.raises(StoreError) as refused, database.transaction() as session:
        session.execute(update(Channel).values(secret="whsec_c2VjcmV0", name=None))
    assert "UPDATE channels" in str(refused.value)
    assert "whsec_c2VjcmV0" not in str(refused.value)


def test_two_channels_of_one_name_are_refused(database: Database, channel: NewChannel, clock: ManualClock) -> None:
    with database.transaction() as session, pytest.raises(SafelightError) as refusal:
        making.create(
            session, "on-call", ChannelKind.WEBHOOK, clock.now(), url="https://hooks.example.com", reach=PUBLIC
        )
    assert refusal.value.code == "channel_exists"


def test_secrets_are_made_for_each_channel(database: Database, clock: ManualClock) -> None:
    made = [make(database, f"channel {number}", "https://hooks.example.com", clock.now()) for number in range(3)]
    secrets = {str(each.secret) for each in made}
    assert len(secrets) == 3
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)


def test_while_a_secret_is_rotated_both_sign_and_then_the_new_one_alone(
    database: Database, deliverer: Deliverer, channel: NewChannel, receiver: Receiver, clock: ManualClock
) -> None:
    with database.transaction() as session:
        rotated = making.rotate(session, channel.channel.id, clock.now(), timedelta(hours=24))
    assert rotated.secret is not None
    assert channel.secret is not None
    assert rotated.secret != channel.secret
    assert rotated.channel.previous_secret_until == clock.now() + timedelta(hours=24)
    enqueue(database, clock.now())
    deliverer.run_once()
    clock.advance(24 * 3600)
    enqueue(database, clock.now())
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
        making.rotate(session, channel.channel.id, clock.now(), timedelta(0))
    enqueue(database, clock.now())
    deliverer.run_once()
    ((headers, body),) = receiver.requests
    assert not _signed_by(str(channel.secret), headers, body)


def _signed_by(secret: str, headers: dict[str, str], body: bytes) -> bool:
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(headers["webhook-id"], at, body.decode()) in headers["webhook-signature"].split()
