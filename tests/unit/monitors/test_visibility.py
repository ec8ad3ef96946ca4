from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitors.lens import Lens
from monitors.scan import examine
from monitors.sketch import Sketch
from monitors.visibility import visibility

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World

ALPHA = 1e-6


def test_more_generations_show_smaller_regressions(lens: Lens, world: World) -> None:
    seen = [visibility(lens, Sketch.of(lens.features(world.sample(n, seed=n))), ALPHA) for n in (200, 1000, 5000)]
    effects = [each.effect for each in seen]
    shares = [each.broken_share for each in seen if each.broken_share is not None]
    assert effects == sorted(effects, reverse=True)
    assert len(shares) == len(seen)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.02


def test_what_is_said_to_be_seen_is_seen(lens: Lens, world: World) -> None:
    share = visibility(lens, Sketch.of(lens.features(world.sample(2000, seed=51))), ALPHA).broken_share
    assert share is not None
    broken = [world.broken(world.sample(2000, seed=60 + i), 2.5 * share, seed=i) for i in range(5)]
    p_values = examine(lens, Sketch.stack([Sketch.of(lens.features(each)) for each in broken])).p_value
    assert np.median(p_values) < ALPHA


def test_favourites_hide_more_than_prompts_that_repeat_alike(lens: Lens, world: World) -> None:
    usual = Sketch.of(lens.features(world.sample(2000, seed=51)))
    favourites, even = (replace(usual, counts=usual.counts.copy()) for _ in range(2))
    favourites.repeats[...] = 0
    favourites.repeats[:20] = 200 // np.arange(1, 21)
    even.repeats[...] = np.sqrt((favourites.repeats.astype(float) ** 2).mean()).round()
    hidden, seen = (visibility(lens, each, ALPHA) for each in (favourites, even))
    assert hidden.effect > 1.05 * seen.effect
    assert hidden.broken_share is None or hidden.broken_share > 1.5 * (seen.broken_share or 1.0)


def test_too_few_generations_show_nothing(lens: Lens) -> None:
    nothing = visibility(lens, Sketch.zero(lens), 1e-300)
    assert nothing.broken_share is None
    assert nothing.effect > 1
    assert nothing.effect == pytest.approx(nothing.effect)
