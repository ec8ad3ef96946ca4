"""How much a baseline can see, and what a larger one would."""

from typing import Any

import pytest

from monitors.fitting import fit_lens
from monitors.hypotheses import detectable_effect
from monitors.lens import Lens
from monitors.sight import sight


def test_longer_windows_see_more_and_none_sees_below_the_floor(lens: Lens) -> None:
    found = sight(lens, 1e-6)
    sizes, effects = zip(*found.points, strict=True)
    assert list(sizes) == sorted(sizes)
    assert list(effects) == sorted(effects, reverse=True)
    assert 0 < found.floor < effects[-1]
    assert effects[-1] == pytest.approx(found.floor, rel=0.5)


def test_a_stricter_level_sees_less(lens: Lens) -> None:
    for (n, strict), (same, lenient) in zip(sight(lens, 1e-8).points, sight(lens, 1e-4).points, strict=True):
        assert n == same
        assert strict > lenient


def test_what_it_takes_to_see_half_is_enough_and_not_much_more(lens: Lens) -> None:
    found = sight(lens, 1e-6)
    growth = found.half_needs / lens.baseline_size
    reference = lens.calibration.size * growth
    assert detectable_effect(lens, 1e7, reference, 1e-6) <= found.floor / 2
    assert detectable_effect(lens, 1e7, reference * 0.97, 1e-6) > found.floor / 2


def test_a_small_baseline_says_how_blind_it_is(world: Any, lens: Lens) -> None:
    small = fit_lens(world.sample(700, seed=3), seed=0)
    assert sight(small, 1e-6).floor > 1.5 * sight(lens, 1e-6).floor
