"""A real receiver of webhooks, on loopback, and a channel that leads to it."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from safelight.clock import Clock, ManualClock, SystemClock
from safelight.notifying import making, outbox
from safelight.notifying.addresses import Reach
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.making import NewChannel
from safelight.notifying.sender import Sender
from safelight.settings import NotifyingSettings
from safelight.store import incidents, notifications
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.incidents import Resolution
from safelight.store.notifications import KnownNotification

_LONGEST_SECONDS = 30
_BYTE_SECONDS = 0.05


class Manner(Enum):
    """How a receiver behaves towards whoever has sent it something."""

    ANSWERS = auto()
    TRICKLES = auto()
    HANGS = auto()
    CUTS = auto()


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses it was given, the last one for ever, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.statuses = [204]
        self.headers: dict[str, str] = {}
        self.manner = Manner.ANSWERS
        self.came: Callable[[], None] = lambda: None
        """Called when something has come, before it is answered."""
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.released = threading.Event()

    def behave(self, manner: str) -> None:
        self.manner = Manner[manner]

    def certify_itself(self, folder: Path) -> str:
        """Speaks TLS from now on, with a certificate nobody signed; returns the address that it is for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(folder))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        return f"https://localhost:{self.server_port}/hook"

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if self.manner is not Manner.CUTS:
            super().shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(({key.lower(): value for key, value in self.headers.items()}, body))
        self.server.came()
        match self.server.manner:
            case Manner.ANSWERS:
                self._answer()
            case Manner.TRICKLES:
                self._trickle()
            case Manner.HANGS:
                self.server.released.wait(_LONGEST_SECONDS)
            case Manner.CUTS:
                # No farewell: the peer sees a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    def _answer(self) -> None:
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _trickle(self) -> None:
        """A header that never ends, byte by byte, each in time."""
        with contextlib.suppress(OSError):  # the sender has had enough
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
            for _ in range(int(_LONGEST_SECONDS / _BYTE_SECONDS)):
                if self.server.released.wait(_BYTE_SECONDS):
                    return
                self.wfile.write(b"x")
                self.wfile.flush()

    def finish(self) -> None:
        with contextlib.suppress(OSError):  # the line may be cut
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    thread.join()
    made.server_close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return file


@pytest.fixture
def clock() -> ManualClock:
    # The verifying library compares with the real time.
    return ManualClock(SystemClock().now().replace(microsecond=0))


def at_once(work: Callable[[], None]) -> None:
    work()


def make_deliverer(database: Database, clock: Clock, settings: NotifyingSettings) -> Deliverer:
    return Deliverer(database, Sender(settings, clock), clock, jitter=lambda: 0.0, start=at_once)


@pytest.fixture
def deliverer(database: Database, clock: ManualClock) -> Deliverer:
    return make_deliverer(database, clock, NotifyingSettings(allow_private_addresses=True))


def make(
    database: Database, name: str, url: str, now: datetime, kind: ChannelKind = ChannelKind.WEBHOOK, secret: str = ""
) -> NewChannel:
    with database.transaction() as session:
        return making.create(session, name, kind, now, url=url, secret=secret, reach=Reach(private=True))


@pytest.fixture
def channel(database: Database, receiver: Receiver, clock: ManualClock) -> NewChannel:
    return make(database, "on-call", receiver.url, clock.now())


def enqueue(database: Database, now: datetime, **data: str) -> UUID:
    with database.transaction() as session:
        assert outbox.enqueue(session, "incident.opened", data, None, now) == 1
        (notification,) = notifications.page(session, limit=1)
    return notification.id


def read(database: Database, identifier: UUID) -> KnownNotification:
    with database.reading() as session:
        return notifications.get(session, identifier)


class Story:
    """Incidents and what one channel is told of them."""

    def __init__(self, database: Database, clock: ManualClock, deliverer: Deliverer, receiver: Receiver) -> None:
        self.database, self.clock, self.deliverer, self.receiver = database, clock, deliverer, receiver
        self.number = 0

    def happens(self, *events: str) -> list[KnownNotification]:
        """Of a new incident."""
        self.number += 1
        with self.database.transaction() as session:
            incident = incidents.open_incident(
                session,
                generator="studio",
                dedup_key=f"studio:default:release-{self.number}",
                title="Version 3 of studio: alignment down",
                monitor="release_comparison",
                reason="alignment_down",
                verdict_id=None,
                suspect_version=3,
                suspect_release_id=None,
                suggested_target=2,
                evidence={},
                now=self.clock.now(),
            )
            if "resolved" in events[-1:]:
                incidents.resolve(session, incident.id, "ann", Resolution.BY_HAND, self.clock.now())
            for event in events:
                outbox.enqueue(session, f"incident.{event}", {"message": event}, incident.id, self.clock.now())
            return notifications.page(session, incident_id=incident.id)[::-1]

    def delivers(self, *statuses: int) -> list[str]:
        """All that is due, the receiver answering so; returns the events that it was told."""
        self.receiver.statuses = list(statuses)
        before = len(self.receiver.requests)
        while self.deliverer.run_once():
            pass
        told = [json.loads(body)["type"] for _, body in self.receiver.requests[before:]]
        return [event.removeprefix("incident.") for event in told]

    def read(self, told: KnownNotification) -> KnownNotification:
        with self.database.reading() as session:
            return notifications.get(session, told.id)


@pytest.fixture
def story(
    database: Database, clock: ManualClock, deliverer: Deliverer, channel: NewChannel, receiver: Receiver
) -> Story:
    return Story(database, clock, deliverer, receiver)
