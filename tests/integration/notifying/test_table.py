"""Every row of the table in docs/notifications.md, against a receiver that behaves as the row says."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from safelight.clock import Clock, ManualClock, SystemClock
from safelight.notifying import connection, making, outbox
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import Resolve
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import channels, notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.notifications import State

TABLE = Path(__file__).parents[3] / "docs" / "notifications.md"
INSIDE = "169.254.169.254"


class Receiver(Protocol):
    url: str
    statuses: list[int]
    headers: dict[str, str]
    requests: list[tuple[dict[str, str], bytes]]

    def behave(self, manner: str) -> None: ...

    def certify_itself(self, folder: Path) -> str: ...


@dataclass
class Case:
    """What a row is played with; a scenario changes what it is about."""

    receiver: Receiver
    folder: Path
    url: str
    kinds: tuple[ChannelKind, ...] = (ChannelKind.WEBHOOK,)
    resolve: Resolve = connection.resolve
    timeout_seconds: float = 15.0
    clock: Clock | None = None


def _answers(*statuses: int, **headers: str) -> Callable[[Case], None]:
    def play(case: Case) -> None:
        case.receiver.statuses = list(statuses)
        case.receiver.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    return play


def _to_vendors(case: Case) -> None:
    _answers(400)(case)
    case.kinds = (ChannelKind.PAGERDUTY, ChannelKind.SLACK, ChannelKind.ALERTMANAGER)


def _behaves(manner: str, timeout_seconds: float) -> Callable[[Case], None]:
    def play(case: Case) -> None:
        case.receiver.behave(manner)
        case.timeout_seconds, case.clock = timeout_seconds, SystemClock()

    return play


def _bad_certificate(case: Case) -> None:
    case.url = case.receiver.certify_itself(case.folder)


def _nobody(case: Case) -> None:
    case.url = "http://127.0.0.1:9/"


def _named(resolve: Resolve, timeout_seconds: float = 15) -> Callable[[Case], None]:
    def play(case: Case) -> None:
        case.url, case.resolve, case.timeout_seconds = "http://hooks.example.com/", resolve, timeout_seconds

    return play


def _unknown(host: str, _port: int) -> list[str]:
    raise connection.NameUnknown(host)


def _hanging(_host: str, _port: int) -> list[str]:
    threading.Event().wait(60)
    return []


SCENARIOS: dict[str, Callable[[Case], None]] = {
    "answers 200": _answers(200),
    "answers 400": _answers(400),
    "answers 400, and is a PagerDuty, a Slack or an Alertmanager": _to_vendors,
    "answers 410": _answers(410),
    "answers 429, `Retry-After: 120`": _answers(429, Retry_After="120"),
    "answers 500": _answers(500),
    "answers 503, `Retry-After: 120`": _answers(503, Retry_After="120"),
    "hangs": _behaves("HANGS", 0.3),
    "answers byte by byte, without end": _behaves("TRICKLES", 0.3),
    "cuts the line": _behaves("CUTS", 15),
    f"redirects to {INSIDE}": _answers(302, Location=f"http://{INSIDE}/latest/meta-data/"),
    "presents a bad certificate": _bad_certificate,
    "does not listen": _nobody,
    f"has a name that leads to {INSIDE}": _named(lambda *_: [INSIDE]),
    "has a name that nobody knows": _named(_unknown),
    "has a name server that hangs": _named(_hanging, 0.3),
}


@dataclass(frozen=True)
class Seen:
    """How things stand after the attempt; pauses in seconds, None where nothing is tried again."""

    state: State
    again_after: int | None
    channel_on: bool
    next_message_after: int | None


THEN = {
    "delivered": Seen(State.DELIVERED, None, True, 0),
    "again on schedule": Seen(State.PENDING, 5, True, 0),
    "again after 120 s": Seen(State.PENDING, 120, True, 0),
    "again after 120 s, with all that waits for the channel": Seen(State.PENDING, 120, True, 120),
    "dead letter": Seen(State.FAILED, None, True, 0),
    "dead letter, channel off": Seen(State.FAILED, None, False, None),
}


def _rows() -> dict[str, tuple[str, str]]:
    """The log's words and what follows, by the receiver's behaviour."""
    table = TABLE.read_text().partition("| the receiver |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {receiver: (log.strip("`"), then) for receiver, log, then in cells}


ROWS = _rows()


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """What a receiver does has nothing to do with the database: one is enough."""
    file = tmp_path / "safelight.db"
    shutil.copy(migrated_sqlite, file)
    opened = Database(f"sqlite:///{file}")
    yield opened
    opened.dispose()


def test_every_row_has_its_receiver() -> None:
    assert set(ROWS) == set(SCENARIOS)


@pytest.mark.parametrize("row", SCENARIOS)
def test_what_happens_is_what_the_row_says(row: str, database: Database, receiver: Receiver, tmp_path: Path) -> None:
    case = Case(receiver, tmp_path, receiver.url)
    SCENARIOS[row](case)
    log, then = ROWS[row]
    for kind in case.kinds:
        error, seen = _play(case, kind, database)
        assert (error, seen) == (log, THEN[then])
    assert all(headers["host"] != INSIDE for headers, _ in receiver.requests)


def _play(case: Case, kind: ChannelKind, database: Database) -> tuple[str, Seen]:
    """One attempt, while another message waits: what the log says of it, and how things stand afterwards."""
    clock = case.clock or ManualClock(SystemClock().now())
    secret = "0123456789abcdef0123456789abcdef" if kind is ChannelKind.PAGERDUTY else ""
    began, reach = clock.now(), Reach(private=True)
    with database.transaction() as session:
        made = making.create(session, kind.value, kind, began, url=case.url, secret=secret, reach=reach)
        told = outbox.enqueue_test(session, made.channel.id, began)
        waits = outbox.enqueue_test(session, made.channel.id, began)
    settings = NotifyingSettings(allow_private_addresses=True, timeout_seconds=case.timeout_seconds)
    sender = Sender(settings, clock, resolve=case.resolve)
    assert Deliverer(database, sender, clock, lambda: 0.0, start=lambda work: work()).run_once() == 1
    with database.reading() as session:
        sent, waiting = notifications.get(session, told), notifications.get(session, waits)
        channel = channels.require(session, made.channel.id)
    with database.transaction() as session:
        notifications.disable_channel(session, made.channel.id, "the next kind's turn")
    (attempt,) = sent.deliveries
    ended = attempt.at + timedelta(milliseconds=attempt.duration_ms)
    return attempt.error, Seen(
        sent.state, _seconds(ended, sent.next_attempt_at), channel.enabled, _seconds(began, waiting.next_attempt_at)
    )


def _seconds(since: datetime, until: datetime | None) -> int | None:
    return None if until is None else round((until - since).total_seconds())
