"""Where a connection leads is checked when it is made."""

from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

import httpcore
import pytest

from safelight.clock import ManualClock
from safelight.notifying.connection import ForbiddenAddress, GuardedBackend, Resolve, resolve
from safelight.notifying.retry import Answered, Failure
from safelight.notifying.sending import Message, send

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Receiver(Protocol):
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
