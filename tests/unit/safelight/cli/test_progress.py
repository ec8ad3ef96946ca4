from datetime import UTC, datetime

import pytest

from safelight.cli.progress import Progress
from safelight.clock import ManualClock


def test_it_tells_how_far_and_how_long_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
    progress = Progress("Measured", 1000, clock)
    for _ in range(9):
        clock.advance(1.5)
        progress.advance(100)
    clock.advance(1.5)
    progress.advance(100)
    assert capsys.readouterr().err.splitlines() == [
        "Measured: 200 of 1,000",
        "Measured: 400 of 1,000, about 9 seconds left",
        "Measured: 600 of 1,000, about 6 seconds left",
        "Measured: 800 of 1,000, about 3 seconds left",
        "Measured: 1,000 of 1,000, in 15 seconds",
    ]
