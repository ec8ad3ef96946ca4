"""How blind a detector is: the smallest regression that would be seen in a window, were it there now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitors.hypotheses import (
    detectable_effect,
    expected_rates,
    independent_size,
    mean_heaviness,
    reference_size,
    tail_p_values,
)
from monitors.lens import Lens
from monitors.sketch import Sketch

_SHARES = np.concatenate([np.linspace(0.0005, 0.02, 40), np.linspace(0.021, 0.1, 80), np.linspace(0.11, 1.0, 90)])


@dataclass(frozen=True)
class Visibility:
    """`effect` is a shift of all images, in standard deviations (Mahalanobis); `broken_share` a share of images that
    nothing at the baseline looked like. Either is found with even odds; None where not even all of them would be."""

    effect: float
    broken_share: float | None
    independent: float
    """Generations of the window, less what repeats add nothing."""
    reference: float
    """Generations that the baseline is worth for what these ask for."""


def visibility(lens: Lens, sketch: Sketch, alpha: float) -> Visibility:
    """What a window as large and as mixed as `sketch` shows at level `alpha`, whatever it does show."""
    independent = float(independent_size(lens, sketch))
    reference = float(reference_size(lens, sketch))
    effect = detectable_effect(lens, independent, reference, alpha, mean_heaviness(lens, sketch, reference))
    # The rarest tail that a broken image falls into tells it from the usual ones best.
    rarest = np.array([len(lens.tail_names) - 1])
    usual = expected_rates(lens, sketch)[rarest]
    shares = usual + (1.0 - usual) * _SHARES
    p_values = len(lens.tail_names) * tail_p_values(lens, sketch, shares, usual, rarest)
    seen = _SHARES[p_values < alpha]
    return Visibility(effect, float(seen[0]) if len(seen) else None, independent, reference)
