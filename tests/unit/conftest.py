"""Unit tests reach no address: whoever opens a socket here has I/O where a decision belongs."""

import pytest


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Uses pytest-socket's fixture, so that it holds for everything below this folder and nothing beside it."""
