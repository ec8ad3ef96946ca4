"""The dead man's switch: what is heard while the watch works, and the silence when it does not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from safelight.clock import ManualClock
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.notifying.pulse import Pulse
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import access, channels, incidents, slots, versions
from safelight.store.channels import ChannelKind, KnownChannel
from safelight.store.database import Database, Session
from safelight.store.incidents import KnownIncident
from safelight.store.slots import SlotState

from .conftest import make_deliverer  # noqa: TID252

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICK = 60.0


class Receiver(Protocol):
    url: str
    statuses: list[int]
    requests: list[tuple[dict[str, str], bytes]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def watchdog(database: Database, receiver: Receiver) -> KnownChannel:
    with database.transaction() as session:
        return making.create(
            session, "watchdog", ChannelKind.HEARTBEAT, NOON, url=receiver.url, reach=Reach(private=True)
        ).channel


def _pulse(database: Database, clock: ManualClock, *, leads: bool = True) -> Pulse:
    return Pulse(database, Sender(NotifyingSettings(allow_private_addresses=True), clock), lambda: leads, clock, TICK)


def _tick(database: Database, at: datetime) -> None:
    with database.transaction() as session:
        if not versions.generators(session):
            versions.add_generator(session, "studio", "", NOON)
        slots.record(session, "studio", at, SlotState.DONE, "worker", at)


def _known(database: Database, channel: KnownChannel) -> KnownChannel:
    with database.reading() as session:
        return channels.require(session, channel.id)


def test_the_leader_is_heard(
    database: Database, clock: ManualClock, watchdog: KnownChannel, receiver: Receiver
) -> None:
    _tick(database, NOON)
    clock.advance(30)
    _pulse(database, clock).run_once()
    ((_, body),) = receiver.requests
    assert json.loads(body)["type"] == "safelight.heartbeat"
    heard = _known(database, watchdog)
    assert (heard.last_beat_at, heard.last_beat_error) == (clock.now(), "")
    assert "hook" not in heard.url


def test_a_worker_that_follows_says_nothing(
    database: Database, clock: ManualClock, watchdog: KnownChannel, receiver: Receiver
) -> None:
    _pulse(database, clock, leads=False).run_once()
    assert receiver.requests == []


def test_monitors_that_have_stopped_are_silence_and_their_return_is_heard(
    database: Database, clock: ManualClock, watchdog: KnownChannel, receiver: Receiver
) -> None:
    _tick(database, NOON)
    clock.advance(3 * TICK + 1)
    _pulse(database, clock).run_once()
    assert receiver.requests == []
    silent = _known(database, watchdog)
    assert silent.last_beat_at is None
    assert silent.last_beat_error == "not sent: the monitors have not ticked since 2026-11-23 12:00:00 UTC"
    _tick(database, clock.now() - timedelta(seconds=1))
    _pulse(database, clock).run_once()
    assert len(receiver.requests) == 1
    assert _known(database, watchdog).last_beat_error == ""


def test_a_switch_that_fails_is_told_with_its_channel(
    database: Database, clock: ManualClock, watchdog: KnownChannel, receiver: Receiver
) -> None:
    _pulse(database, clock).run_once()
    heard_at = clock.now()
    clock.advance(60)
    receiver.statuses = [500]
    _pulse(database, clock).run_once()
    known = _known(database, watchdog)
    assert (known.last_beat_at, known.last_beat_error, known.enabled) == (heard_at, "status 500", True)


def test_a_switch_that_is_gone_is_switched_off(
    database: Database, clock: ManualClock, watchdog: KnownChannel, receiver: Receiver
) -> None:
    receiver.statuses = [410]
    _pulse(database, clock).run_once()
    _pulse(database, clock).run_once()
    assert len(receiver.requests) == 1
    assert not _known(database, watchdog).enabled
    with database.reading() as session:
        assert [each.action for each in access.audit_page(session, None, 10)] == ["channel.disable"]


def test_a_switch_is_told_of_no_incident(
    database: Database, clock: ManualClock, watchdog: KnownChannel, receiver: Receiver
) -> None:
    with database.transaction() as session:
        assert outbox.enqueue(session, "incident.opened", {}, None, NOON) == 0


def test_an_alert_that_is_refused_keeps_no_other_from_being_repeated(
    database: Database, clock: ManualClock, receiver: Receiver
) -> None:
    with database.transaction() as session:
        making.create(
            session, "alertmanager", ChannelKind.ALERTMANAGER, NOON, url=receiver.url, reach=Reach(private=True)
        )
        for number in range(2):
            incident = _open(session, number)
            outbox.enqueue(session, "incident.opened", {"message": "down"}, incident.id, NOON)
    while make_deliverer(database, clock, NotifyingSettings(allow_private_addresses=True)).run_once():
        pass
    receiver.requests.clear()
    receiver.statuses = [400, 200]
    _pulse(database, clock).run_once()
    assert len(receiver.requests) == 2


def _open(session: Session, number: int) -> KnownIncident:
    return incidents.open_incident(
        session,
        generator="studio",
        dedup_key=f"studio:default:release-{number}",
        title="Version 3 of studio: alignment down",
        monitor="release_comparison",
        reason="alignment_down",
        verdict_id=None,
        suspect_version=3,
        suspect_release_id=None,
        suggested_target=2,
        evidence={},
        now=NOON,
    )
