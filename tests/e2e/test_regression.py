"""The promise, kept once by the real parts: a diffusion pipeline, MLflow, the monitors, a webhook and a rollback.

Processes are started as `make up` starts them, and everything is asked of the API.
"""

from collections.abc import Callable, Iterator, Sequence

import pytest

from safelight.studio.rehearsal import Rehearsal, play, rehearsal

IMAGES_A_SECOND = 3.0  # an engine that is busy with people makes its probes late, and nobody is healthy before
MOST_GENERATIONS = 1_500


@pytest.fixture(scope="module")
def running() -> Iterator[Rehearsal]:
    with rehearsal(IMAGES_A_SECOND) as started:
        yield started


@pytest.mark.timeout(1200)
def test_swapped_colours_are_seen_told_and_taken_back(
    running: Rehearsal, report_figures: Callable[[Sequence[str]], None]
) -> None:
    telling = play(running, version=3)
    report_figures(telling.lines())
    assert telling.generations_to_incident <= MOST_GENERATIONS
    assert telling.good_version == 2


def test_it_ends_in_order_when_told_to(running: Rehearsal) -> None:
    assert running.stop() == 0
