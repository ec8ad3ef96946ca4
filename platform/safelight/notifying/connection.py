"""Connections that check where they lead, at the moment they are made, and end in time.

A name checked earlier may mean another address now (DNS rebinding): so it is resolved once, every address is judged,
and the connection goes to an address that was.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from safelight.clock import Clock
from safelight.notifying.addresses import Reach

SocketOption = Any
Resolve = Callable[[str, int], list[str]]

LOOKUP_SECONDS = 5.0
"""The most that finding a name's addresses may take of an exchange's time."""


class ForbiddenAddress(Exception):
    """The name leads to an address that may not be reached."""


class NameUnknown(httpcore.ConnectError):
    """The name leads nowhere."""


class LookupTimeout(httpcore.ConnectTimeout):
    """Nobody said in time where the name leads."""


class BadCertificate(httpcore.ConnectError):
    """Whoever is there cannot prove to be who was asked for."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, in the order the system would try them. Raises NameUnknown."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter for a name no DNS could hold
        raise NameUnknown(host) from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to addresses within reach only, and for one exchange's time only."""

    def __init__(
        self,
        clock: Clock,
        seconds: float,
        reach: Reach,
        resolve: Resolve = resolve,
        lookup_seconds: float = LOOKUP_SECONDS,
    ) -> None:
        self._deadline = _Deadline(clock, seconds)
        self._reach = reach
        self._resolve = resolve
        self._lookup_seconds = lookup_seconds
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is the whole exchange's
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._look_up(host, port)
        if not all(self._reach.covers(address) for address in addresses):
            raise ForbiddenAddress(host)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = self._sockets.connect_tcp(address, port, self._deadline.left(), local_address, socket_options)
                return _TimedStream(stream, self._deadline)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    def _look_up(self, host: str, port: int) -> list[str]:
        """In a thread of its own: the system's resolver takes no limit, and waits for a dead server as it pleases."""
        found: list[str] = []
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                found.extend(self._resolve(host, port))
            except Exception as error:  # noqa: BLE001 - raised again where the answer is waited for
                failures.append(error)

        lookup = threading.Thread(target=ask, name="look-up", daemon=True)
        lookup.start()
        lookup.join(min(self._lookup_seconds, self._deadline.left()))
        if lookup.is_alive():
            raise LookupTimeout(host)
        if failures:
            raise failures[0]
        return found


class _Deadline:
    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds left. Raises httpcore.TimeoutException when there are none."""
        seconds = self._end - self._clock.monotonic()
        if seconds <= 0:
            raise httpcore.TimeoutException("the exchange took too long")
        return seconds


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every operation ends with the exchange: a peer that trickles bytes cannot hold us."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see above
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see above
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - see above
    ) -> httpcore.NetworkStream:
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise BadCertificate(server_hostname) from error
            raise
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
