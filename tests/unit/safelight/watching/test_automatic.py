"""When traffic is worth a baseline that nobody asked for."""

import pytest

from safelight.settings import BaselineSettings
from safelight.watching.automatic import due

SETTINGS = BaselineSettings(first_at=2_000, growth=2.0)


@pytest.mark.parametrize(
    ("images", "newest", "is_due"),
    [
        (1_999, None, False),
        (2_000, None, True),
        (3_999, 2_000, False),
        (4_000, 2_000, True),
        (1_024, 512, True),
        (1_000_000, 59_999, True),
        (1_000_000, 60_000, False),
    ],
)
def test_the_first_takes_enough_and_the_next_clearly_more(images: int, newest: int | None, is_due: bool) -> None:
    assert due(images, newest, SETTINGS) is is_due
