"""The storm, cut short: what a client was given is in the database once, with its image, to the bit."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.soak


def test_nothing_that_was_given_is_lost_or_counted_twice() -> None:
    storm = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill_storm", "--kills", "7", "--clients", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert storm.returncode == 0, storm.stdout + storm.stderr
    assert "Lost: 0." in storm.stdout
