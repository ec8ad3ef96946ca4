"""One request to somebody else. Redirects are not followed, no connection is kept; of an answer, a channel's is not
read at all, anybody else's only so far."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import httpcore

from safelight.notifying.connection import BadCertificate, ForbiddenAddress, LookupTimeout, NameUnknown
from safelight.notifying.retry import Answered, Failure, Outcome

Read = TypeVar("Read")

_LONGEST_ANSWER: Final = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """What a channel is sent. May hold secrets: never log it."""

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Request({len(self.body)} bytes)"


@dataclass(frozen=True)
class Answer:
    """What came back, its body cut short where it is longer than anybody would read."""

    outcome: Answered
    body: bytes


def post(request: Request, now: datetime, backend: Callable[[], httpcore.NetworkBackend]) -> Outcome:
    """Sends JSON and says what came of it; whatever fails on the way is an outcome, not an error."""
    return _exchange("POST", request, now, backend, lambda _, outcome: outcome)


def ask(
    method: str,
    request: Request,
    now: datetime,
    backend: Callable[[], httpcore.NetworkBackend],
    ssl_context: ssl.SSLContext | None = None,
) -> Answer | Failure:
    """The same where the answer is of interest. `ssl_context` is for whoever is not vouched for by the usual roots."""
    return _exchange(method, request, now, backend, _answer, ssl_context)


def _exchange(
    method: str,
    request: Request,
    now: datetime,
    backend: Callable[[], httpcore.NetworkBackend],
    read: Callable[[httpcore.Response, Answered], Read],
    ssl_context: ssl.SSLContext | None = None,
) -> Read | Failure:
    given = {name.lower() for name, _ in request.headers}
    usual = [("content-type", "application/json"), ("user-agent", "Safelight")]
    headers = [*(each for each in usual if each[0] not in given), *request.headers]
    try:
        with (
            httpcore.ConnectionPool(network_backend=backend(), ssl_context=ssl_context) as pool,
            pool.stream(method, request.url, headers=headers, content=request.body) as response,
        ):
            return read(response, Answered(response.status, _retry_after(response, now)))
    except ForbiddenAddress:
        return Failure.FORBIDDEN_ADDRESS
    except NameUnknown:
        return Failure.NAME_UNKNOWN
    except LookupTimeout:
        return Failure.LOOKUP_TIMEOUT
    except BadCertificate:
        return Failure.BAD_CERTIFICATE
    except httpcore.TimeoutException:
        return Failure.TIMEOUT
    except httpcore.ConnectError:
        return Failure.UNREACHABLE
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        return Failure.CUT_OFF


def _answer(response: httpcore.Response, outcome: Answered) -> Answer:
    body = bytearray()
    for part in response.iter_stream():
        body += part
        if len(body) > _LONGEST_ANSWER:
            break
    return Answer(outcome, bytes(body[:_LONGEST_ANSWER]))


def _retry_after(response: httpcore.Response, now: datetime) -> timedelta | None:
    """RFC 9110, section 10.2.3: seconds, or a date."""
    value = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    text = value.decode("ascii", "replace").strip()
    try:
        if text.isdigit():
            return timedelta(seconds=min(int(text), 10**9))
        return max(parsedate_to_datetime(text) - now, timedelta(0))
    except (ValueError, TypeError, OverflowError):  # a year or a number that nothing holds
        return None
