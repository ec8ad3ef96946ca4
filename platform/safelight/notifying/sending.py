"""One POST to a channel. Its answer's body is not read, redirects are not followed, no connection is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore

from safelight.notifying.connection import BadCertificate, ForbiddenAddress, LookupTimeout, NameUnknown
from safelight.notifying.retry import Answered, Failure, Outcome


@dataclass(frozen=True)
class Request:
    """What a channel is sent. May hold secrets: never log it."""

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Request({len(self.body)} bytes)"


def post(request: Request, now: datetime, backend: Callable[[], httpcore.NetworkBackend]) -> Outcome:
    """Sends JSON and says what came of it; whatever fails on the way is an outcome, not an error."""
    headers = [("content-type", "application/json"), ("user-agent", "Safelight"), *request.headers]
    try:
        with (
            httpcore.ConnectionPool(network_backend=backend()) as pool,
            pool.stream("POST", request.url, headers=headers, content=request.body) as response,
        ):
            return Answered(response.status, _retry_after(response, now))
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


def _retry_after(response: httpcore.Response, now: datetime) -> timedelta | None:
    """RFC 9110, section 10.2.3: seconds, or a date."""
    value = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    text = value.decode("ascii", "replace").strip()
    if text.isdigit():
        return timedelta(seconds=min(int(text), 10**9))
    try:
        return max(parsedate_to_datetime(text) - now, timedelta(0))
    except (ValueError, TypeError):
        return None
