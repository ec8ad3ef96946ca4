from __future__ import annotations

import pytest

from benchmarks.detection.streams import PER_DAY
from benchmarks.detection.world import HEALTHY, World
from monitors.fitting import fit_lens
from monitors.lens import Lens
from monitors.sample import Sample


@pytest.fixture(scope="session")
def world() -> World:
    return World(seed=0)


@pytest.fixture(scope="session")
def healthy(world: World) -> Sample:
    return world.record(HEALTHY, 2400, seed=1, per_day=PER_DAY).sample


@pytest.fixture(scope="session")
def lens(healthy: Sample) -> Lens:
    return fit_lens(healthy, seed=0)
