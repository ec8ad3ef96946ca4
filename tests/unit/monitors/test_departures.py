from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitors.departures import cluster_departures
from monitors.lens import Lens
from monitors.sample import Sample

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World


def test_the_cluster_whose_images_are_broken_comes_first(lens: Lens, world: World) -> None:
    usual = world.sample(3000, seed=71)
    cluster = lens.features(usual).cluster
    worst = int(np.bincount(cluster).argmax())
    rows = np.flatnonzero(cluster == worst)
    some = np.flatnonzero(cluster != worst)
    live = Sample.concatenate([usual.take(some), world.broken(usual.take(rows), 1.0, seed=1)])
    first, *others = cluster_departures(lens, lens.features(live))
    assert first.cluster == worst
    assert first.n <= len(rows)
    assert first.effect > 2 * max(each.effect for each in others)
    assert first.tail_share > 0.9
    assert abs(first.share - first.usual_share) < 0.05
    assert first.signals


def test_clusters_of_a_few_generations_say_nothing(lens: Lens, world: World) -> None:
    assert cluster_departures(lens, lens.features(world.sample(4, seed=72))) == []
