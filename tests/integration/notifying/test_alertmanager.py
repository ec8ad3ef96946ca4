"""Against the real Alertmanager: an incident is an alert from its beginning to its end, and outlives a restart."""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from safelight.clock import ManualClock, SystemClock
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.pulse import Pulse
from safelight.notifying.sender import Sender
from safelight.responding.announcement import Links, announce
from safelight.settings import NotifyingSettings
from safelight.store import incidents, notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Database, Session
from safelight.store.incidents import KnownIncident, Resolution
from safelight.store.notifications import State

LINKS = Links("https://safelight.example")
CONFIGURATION = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass
class Alertmanager:
    """A process of its own, on loopback."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        (self.folder / "alertmanager.yml").write_text(CONFIGURATION)
        arguments = [
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ]
        self.process = subprocess.Popen(["prometheus-alertmanager", *arguments])
        end = time.monotonic() + 60
        while not self._is_ready():
            assert self.process.poll() is None, "Alertmanager did not start"
            assert time.monotonic() < end, "Alertmanager did not get ready"
            time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def alerts(self) -> list[dict[str, Any]]:
        """Those that hold."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as answer:  # noqa: S310 - loopback
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=10) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Alertmanager(tmp_path, port)
    try:
        made.start()
        yield made
    finally:
        made.kill()


@dataclass
class Desk:
    """An Alertmanager's channel, and what is told by it."""

    database: Database
    clock: ManualClock
    channel_id: UUID

    def deliver(self) -> None:
        sender = Sender(NotifyingSettings(allow_private_addresses=True), self.clock)
        deliverer = Deliverer(self.database, sender, self.clock, lambda: 0.0, start=lambda work: work())
        while deliverer.run_once():
            pass

    def repeat(self) -> None:
        sender = Sender(NotifyingSettings(allow_private_addresses=True), self.clock)
        Pulse(self.database, sender, lambda: True, self.clock, 60).run_once()

    def states(self) -> list[State]:
        with self.database.reading() as session:
            return [each.state for each in notifications.page(session, channel_id=self.channel_id)][::-1]


@pytest.fixture
def desk(database: Database, alertmanager: Alertmanager) -> Desk:
    clock = ManualClock(SystemClock().now())
    with database.transaction() as session:
        made = making.create(
            session,
            "alertmanager",
            ChannelKind.ALERTMANAGER,
            clock.now(),
            url=alertmanager.url,
            reach=Reach(private=True),
        )
    return Desk(database, clock, made.channel.id)


def test_an_incident_is_an_alert_that_outlives_a_restart_until_it_is_resolved(
    database: Database, alertmanager: Alertmanager, desk: Desk
) -> None:
    now = desk.clock.now()
    with database.transaction() as session:
        incident = _open(session, now)
        announce(session, incident, LINKS, "incident.opened", "Images fit their prompts worse.", now)
    desk.deliver()
    (alert,) = alertmanager.alerts()
    assert alert["labels"] == {
        "alertname": "SafelightIncident",
        "severity": "critical",
        "generator": "studio",
        "monitor": "release_comparison",
        "reason": "alignment_down",
        "incident_key": "studio:default:release-7",
    }
    assert alert["status"]["state"] == "active"
    assert alert["generatorURL"] == f"https://safelight.example/incidents/{incident.id}"
    assert alert["annotations"]["summary"] == "Images fit their prompts worse."

    alertmanager.kill()
    alertmanager.start()
    assert alertmanager.alerts() == []
    desk.repeat()
    (again,) = alertmanager.alerts()
    assert again["fingerprint"] == alert["fingerprint"]

    with database.transaction() as session:
        resolved = incidents.resolve(session, incident.id, "ann", Resolution.BY_HAND, now)
        announce(session, resolved, LINKS, "incident.resolved", "Resolved by ann.", now)
    desk.deliver()
    assert alertmanager.alerts() == []
    assert desk.states() == [State.DELIVERED, State.DELIVERED]
    desk.repeat()
    assert alertmanager.alerts() == []


def test_an_older_message_does_not_raise_an_alert_again_that_was_resolved(
    database: Database, alertmanager: Alertmanager, desk: Desk
) -> None:
    """Two attempts find nobody, the news of the end arrives before the third: that one is not made."""
    now = desk.clock.now()
    alertmanager.kill()
    with database.transaction() as session:
        incident = _open(session, now)
        announce(session, incident, LINKS, "incident.opened", "", now)
    desk.deliver()
    desk.clock.advance(5)
    desk.deliver()
    alertmanager.start()
    with database.transaction() as session:
        resolved = incidents.resolve(session, incident.id, "ann", Resolution.BY_HAND, now)
        announce(session, resolved, LINKS, "incident.resolved", "", now)
    desk.deliver()
    desk.clock.advance(300)
    desk.deliver()
    assert alertmanager.alerts() == []
    assert desk.states() == [State.FAILED, State.DELIVERED]
    with database.transaction() as session:
        opened = notifications.page(session, channel_id=desk.channel_id)[1]
        assert [each.error for each in opened.deliveries] == ["unreachable", "unreachable", "superseded"]
        assert outbox.replay_all(session, desk.channel_id, desk.clock.now()) == 0


def test_a_test_is_an_alert_that_ends_by_itself(database: Database, alertmanager: Alertmanager, desk: Desk) -> None:
    with database.transaction() as session:
        outbox.enqueue_test(session, desk.channel_id, desk.clock.now())
    desk.deliver()
    (alert,) = alertmanager.alerts()
    assert alert["labels"]["alertname"] == "SafelightTest"
    lasts = datetime.fromisoformat(alert["endsAt"]) - datetime.fromisoformat(alert["startsAt"])
    assert lasts.total_seconds() == 300


def _open(session: Session, now: datetime) -> KnownIncident:
    return incidents.open_incident(
        session,
        generator="studio",
        dedup_key="studio:default:release-7",
        title="Version 3 of studio: alignment down",
        monitor="release_comparison",
        reason="alignment_down",
        verdict_id=None,
        suspect_version=3,
        suspect_release_id=None,
        suggested_target=2,
        evidence={"worst_images": [{"id": "0198d0c4-0000-7000-8000-000000000000"}]},
        now=now,
    )
