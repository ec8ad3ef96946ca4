"""Where a connection leads is checked when it is made."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from safelight.clock import ManualClock
from safelight.notifying.addresses import PUBLIC, Reach
from safelight.notifying.connection import ForbiddenAddress, GuardedBackend, NameUnknown, Resolve, resolve
from safelight.notifying.retry import Answered, Failure
from safelight.notifying.sending import Request, post

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
INSIDE = Reach(private=True)


class Receiver(Protocol):
    url: str
    statuses: list[int]
    headers: dict[str, str]
    requests: list[tuple[dict[str, str], bytes]]

    def certify_itself(self, folder: Path) -> str: ...


def _backend(resolve: Resolve, reach: Reach = PUBLIC) -> GuardedBackend:
    return GuardedBackend(ManualClock(NOON), 5.0, reach, resolve)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"]])
def test_a_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    with pytest.raises(ForbiddenAddress):
        _backend(lambda _host, _port: addresses).connect_tcp("hooks.example.com", 443)


def test_a_name_is_resolved_once_and_the_checked_address_used(receiver: Receiver) -> None:
    """Whoever answers differently a second time has nobody to answer to."""
    answers = iter([["127.0.0.1"]])
    request = Request(receiver.url.replace("127.0.0.1", "hooks.example.com"), b"{}")
    outcome = post(request, NOON, lambda: _backend(lambda *_: next(answers), INSIDE))
    assert outcome == Answered(204)
    ((headers, _),) = receiver.requests
    assert headers["host"].startswith("hooks.example.com:")


def test_the_next_address_is_tried_where_one_does_not_answer(receiver: Receiver) -> None:
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    backend = _backend(lambda *_: ["::1", "127.0.0.1"], INSIDE)
    backend.connect_tcp("hooks.example.com", port).close()


def test_a_receiver_without_a_trusted_certificate_is_told_nothing(receiver: Receiver, tmp_path: Path) -> None:
    request = Request(receiver.certify_itself(tmp_path), b"{}")
    outcome = post(request, NOON, lambda: _backend(lambda *_: ["127.0.0.1"], INSIDE))
    assert outcome is Failure.BAD_CERTIFICATE
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example.com", "a..b"])
def test_a_name_without_an_address_is_unreachable(host: str) -> None:
    with pytest.raises(NameUnknown):
        resolve(host, 443)


def test_a_name_server_that_hangs_costs_no_more_than_the_look_ups_share() -> None:
    """The exchange has minutes; the look-up ends by its own limit, in the real time that a thread waits."""
    answered = threading.Event()
    hanging = GuardedBackend(
        ManualClock(NOON), 300.0, PUBLIC, lambda *_: ["8.8.8.8"] * answered.wait(60), lookup_seconds=0.05
    )
    assert post(Request("https://hooks.example.com/", b"{}"), NOON, lambda: hanging) is Failure.LOOKUP_TIMEOUT
    answered.set()


def test_an_exchange_without_time_left_is_a_timeout() -> None:
    clock = ManualClock(NOON)
    backend = GuardedBackend(clock, 5.0, INSIDE, lambda *_: ["127.0.0.1"])
    clock.advance(5.0)
    assert post(Request("http://127.0.0.1:9/", b"{}"), NOON, lambda: backend) is Failure.TIMEOUT


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_a_pause_is_read_however_its_header_is_written(receiver: Receiver, name: str) -> None:
    receiver.statuses, receiver.headers = [503], {name: "120"}
    outcome = post(Request(receiver.url, b"{}"), NOON, lambda: _backend(resolve, INSIDE))
    assert outcome == Answered(503, timedelta(seconds=120))
