"""Where a connection leads is checked when it is made."""

import ssl
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from safelight.clock import ManualClock
from safelight.notifying.connection import ForbiddenAddress, GuardedBackend, Resolve, resolve
from safelight.notifying.retry import Answered, Failure
from safelight.notifying.sending import Message, send

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Receiver(Protocol):
    server: HTTPServer
    url: str
    requests: list[tuple[dict[str, str], bytes]]


def _backend(resolve: Resolve, *, allow_private: bool = False) -> GuardedBackend:
    return GuardedBackend(ManualClock(NOON), 5.0, allow_private=allow_private, resolve=resolve)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"]])
def test_a_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    with pytest.raises(ForbiddenAddress):
        _backend(lambda _host, _port: addresses).connect_tcp("hooks.example.com", 443)


def test_a_name_is_resolved_once_and_the_checked_address_used(receiver: Receiver) -> None:
    """Whoever answers differently a second time has nobody to answer to."""
    answers = iter([["127.0.0.1"]])
    message = Message(uuid4(), "channel.test", NOON, {})
    url = receiver.url.replace("127.0.0.1", "hooks.example.com")
    outcome = send(message, url, SECRET, NOON, lambda: _backend(lambda *_: next(answers), allow_private=True))
    assert outcome == Answered(204)
    ((headers, _),) = receiver.requests
    assert headers["host"].startswith("hooks.example.com:")


def test_the_next_address_is_tried_where_one_does_not_answer(receiver: Receiver) -> None:
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    backend = _backend(lambda *_: ["::1", "127.0.0.1"], allow_private=True)
    backend.connect_tcp("hooks.example.com", port).close()


def test_a_receiver_without_a_trusted_certificate_is_told_nothing(receiver: Receiver, tmp_path: Path) -> None:
    port = _behind_a_certificate_of_its_own(receiver, tmp_path)
    message = Message(uuid4(), "channel.test", NOON, {})
    url = f"https://localhost:{port}/hook"
    outcome = send(message, url, SECRET, NOON, lambda: _backend(lambda *_: ["127.0.0.1"], allow_private=True))
    assert outcome is Failure.UNREACHABLE
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example.com", "a..b"])
def test_a_name_without_an_address_is_unreachable(host: str) -> None:
    with pytest.raises(httpcore.ConnectError):
        resolve(host, 443)


def test_an_exchange_without_time_left_is_a_timeout() -> None:
    clock = ManualClock(NOON)
    backend = GuardedBackend(clock, 5.0, allow_private=True, resolve=lambda *_: ["127.0.0.1"])
    clock.advance(5.0)
    message = Message(uuid4(), "channel.test", NOON, {})
    assert send(message, "http://127.0.0.1:9/", SECRET, NOON, lambda: backend) is Failure.TIMEOUT


def _behind_a_certificate_of_its_own(receiver: Receiver, folder: Path) -> int:
    """Makes the receiver speak TLS with a certificate nobody signed; returns its port."""
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
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    return receiver.server.server_port
