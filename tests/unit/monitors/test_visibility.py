from __future__ import annotations

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


def test_too_few_generations_show_nothing(lens: Lens) -> None:
    nothing = visibility(lens, Sketch.zero(lens), 1e-300)
    assert nothing.broken_share is None
    assert nothing.effect > 1
    assert nothing.effect == pytest.approx(nothing.effect)
