"""RFC 7240: what is understood counts, the rest is ignored."""

import pytest

from safelight.api.preferences import Preferences, preferences


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Preferences()),
        ("", Preferences()),
        ("respond-async", Preferences(respond_async=True)),
        ("Respond-Async, wait=10", Preferences(respond_async=True, wait=10)),
        ('foo; bar, wait = "7" , respond-async', Preferences(respond_async=True, wait=7)),
        ("wait=5, wait=9", Preferences(wait=5)),
        ("wait=0", Preferences()),
        ("wait=-1, wait=1e9, wait=99999999, wait=soon", Preferences()),
        ("respond-asynchronously", Preferences()),
    ],
)
def test_a_header_is_read(header: str | None, expected: Preferences) -> None:
    assert preferences(header) == expected
