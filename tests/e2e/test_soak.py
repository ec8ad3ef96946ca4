"""The long runs: other regressions are caught too, and what is harmless raises no alarm in 5,000 generations."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from safelight.studio.prompts import Mix
from safelight.studio.rehearsal import play, rehearsal, storyteller

IMAGES_A_SECOND = 6.0
MOST_GENERATIONS = 1_500
QUIET_GENERATIONS = 5_000
QUIET_IMAGES_A_SECOND = 9.0  # about what two cores make
LONGEST_SECONDS = 3_600.0

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("version", [4, 6])
def test_a_regression_is_seen_told_and_taken_back(
    version: int, report_figures: Callable[[Sequence[str]], None]
) -> None:
    with rehearsal(IMAGES_A_SECOND) as running:
        telling = play(running, version)
    report_figures(telling.lines())
    assert telling.generations_to_incident <= MOST_GENERATIONS


@pytest.mark.parametrize(
    ("version", "mix"),
    [
        pytest.param(2, Mix.EVERYDAY, id="the good version"),
        pytest.param(5, Mix.EVERYDAY, id="harmless quantisation"),
        pytest.param(2, Mix.FESTIVAL, id="another prompt mix"),
    ],
)
def test_what_is_harmless_raises_no_alarm(version: int, mix: Mix) -> None:
    with rehearsal(QUIET_IMAGES_A_SECOND, mix) as running, storyteller(running) as story:
        opened = story.watch_quietly(version, QUIET_GENERATIONS, LONGEST_SECONDS)
    assert not opened, _documents(opened)


def _documents(incidents: Sequence[dict[str, Any]]) -> str:
    """What led to each: its verdicts, with the evidence of the first."""
    kept = ("title", "opened_at", "verdict", "events")
    return json.dumps([{name: each[name] for name in kept} for each in incidents], indent=1)
