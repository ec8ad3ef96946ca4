"""What a replay is said to show."""

import pytest

from monitors.probes import Repeatability
from monitors.replays import Likeness, assess

USUAL = Repeatability(n=32, pixel_median=0.1, pixel_max=0.5, embedding_median=0.01, embedding_max=0.05, spread=0.8)


@pytest.mark.parametrize(
    ("pixel", "embedding", "likeness"),
    [
        (0.0, 0.0, Likeness.IDENTICAL),
        (0.0, None, Likeness.IDENTICAL),
        (0.5, 0.05, Likeness.WITHIN_TOLERANCE),
        (0.5, None, Likeness.WITHIN_TOLERANCE),
        (0.51, 0.01, Likeness.BEYOND_TOLERANCE),
        (0.1, 0.06, Likeness.BEYOND_TOLERANCE),
    ],
)
def test_a_replay_is_held_against_what_repetitions_showed(
    pixel: float, embedding: float | None, likeness: Likeness
) -> None:
    assert assess(pixel, embedding, USUAL).likeness is likeness


def test_rounding_is_allowed_for_where_machines_repeat_each_other_exactly() -> None:
    exact = Repeatability(n=32, pixel_median=0, pixel_max=0, embedding_median=0, embedding_max=0, spread=0.8)
    assert assess(0.01, 0.001, exact).likeness is Likeness.WITHIN_TOLERANCE
    assert assess(0.03, 0.001, exact).likeness is Likeness.BEYOND_TOLERANCE


def test_without_a_tolerance_or_on_another_version_distances_are_told_and_nothing_is_claimed() -> None:
    found = assess(3.0, 0.2, None)
    assert (found.likeness, found.pixel_distance, found.embedding_distance) == (Likeness.NOT_MEASURED, 3.0, 0.2)
    assert "3.000 levels" in found.summary
    assert assess(3.0, 0.2, USUAL, same_version=False).likeness is Likeness.OTHER_VERSION
    assert assess(0.0, 0.0, None, same_version=False).likeness is Likeness.IDENTICAL
