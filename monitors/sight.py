"""How much a baseline can see: the smallest effects that its lens would find, and what it would take to see more."""

from __future__ import annotations

import math
from dataclasses import dataclass

from monitors.hypotheses import detectable_effect
from monitors.lens import Lens

_WINDOWS = (100, 300, 1_000, 3_000, 10_000, 100_000)  # generations
_ENDLESS = 10**7
_MOST_GROWTH = 2**12


@dataclass(frozen=True)
class Sight:
    """Effects are mean departures in standard deviations (Mahalanobis), found with even odds at a level `alpha`.

    `points` are windows of so many generations, and the smallest effect that each finds; `floor` is what none finds,
    however long: less drowns in the baseline's own uncertainty. One of `half_needs` generations would see half of it.
    """

    alpha: float
    points: tuple[tuple[int, float], ...]
    floor: float
    half_needs: int


def sight(lens: Lens, alpha: float) -> Sight:
    """For traffic that asks for what it asked for at the baseline; `alpha` is the level of one comparison."""
    reference = lens.calibration.size
    floor = detectable_effect(lens, _ENDLESS, reference, alpha)
    return Sight(
        alpha,
        tuple((n, detectable_effect(lens, n, reference, alpha)) for n in _WINDOWS),
        floor,
        math.ceil(lens.baseline_size * _growth(lens, floor / 2.0, alpha)),
    )


def _growth(lens: Lens, effect: float, alpha: float) -> float:
    """How many times as large the baseline would have to be for `effect` to be its floor: by bisection."""
    reference = lens.calibration.size
    low, high = 1.0, float(_MOST_GROWTH)
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        seen = detectable_effect(lens, _ENDLESS, reference * middle, alpha) <= effect
        low, high = (low, middle) if seen else (middle, high)
    return high
