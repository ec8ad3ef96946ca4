"""What an answer's headers may say, and what is made of them."""

from datetime import UTC, datetime, timedelta

import httpcore
import pytest

from safelight.notifying.retry import Answered
from safelight.notifying.sending import Request, post

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("120", timedelta(seconds=120)),
        ("Mon, 23 Nov 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 23 Nov 2026 11:05:00 GMT", timedelta(0)),
        ("Mon, 23 Nov 2026 12:05:00 -0000", None),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("9" * 5_000, None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 23 Nov 2026 12:05:00 +999999999999999", None),
        ("Mon, 23 Nov 2026 99999999999999999999:00:00 GMT", None),
    ],
)
def test_when_to_come_back(said: str, understood: timedelta | None) -> None:
    """Whatever a receiver writes there: an attempt that ended in an error would be made again and again, uncounted."""
    answer = f"HTTP/1.1 503 Busy\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n".encode()
    request = Request("http://receiver.example/hook", b"{}")
    assert post(request, NOON, lambda: httpcore.MockBackend([answer])) == Answered(503, understood)
