"""What it costs to fold a generation into its bucket, and how large a bucket is: `python -m benchmarks.fold`."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from benchmarks.detection.streams import PER_DAY
from benchmarks.detection.table import Table
from benchmarks.detection.world import HEALTHY, World
from monitors.fitting import fit_lens
from monitors.lens import Lens
from monitors.sample import Sample
from monitors.sketch import Sketch

BATCHES = (1, 32, 1024)
_TARGET_US = 100.0
_TARGET_BYTES = 2048
_PASSES = 5
_A_PASS = 4096  # generations


@dataclass(frozen=True)
class Fold:
    batch: int
    microseconds: float
    """Of processor time for one generation: what the lens sees in it, and its sum into a bucket. The median pass."""


def fold_cost(lens: Lens, sample: Sample, batch: int) -> Fold:
    """`sample` is folded in batches of that size; its embedding is made elsewhere."""
    n = min(len(sample), _A_PASS, 256 * batch)
    parts = [sample.take(slice(start, start + batch)) for start in range(0, n, batch)]
    seconds = []
    for _ in range(_PASSES):
        bucket = Sketch.zero(lens)
        started = time.process_time()
        for part in parts:
            bucket = bucket + Sketch.of(lens.features(part))
        seconds.append(time.process_time() - started)
    return Fold(batch, statistics.median(seconds) / n * 1e6)


def bucket_bytes(lens: Lens, sample: Sample) -> dict[int, int]:
    """The size of a stored bucket by the number of generations in it."""
    sizes = (1, 100, 1000, 10_000)
    return {n: len(Sketch.of(lens.features(sample.take(slice(0, n)))).to_bytes()) for n in sizes}


def fold_table(lens: Lens, sample: Sample) -> Table:
    costs = [fold_cost(lens, sample, batch) for batch in BATCHES]
    sizes = bucket_bytes(lens, sample)
    rows = [
        [
            f"fold, batch of {cost.batch}",
            f"{cost.microseconds:.0f} us a generation",
            "" if cost.batch < 32 else f"<= {_TARGET_US:.0f} us",
            "" if cost.batch < 32 else _met(cost.microseconds <= _TARGET_US),
        ]
        for cost in costs
    ]
    rows += [
        [f"bucket of {n:,} generations", f"{size:,} bytes", f"<= {_TARGET_BYTES:,} bytes", _met(size <= _TARGET_BYTES)]
        for n, size in sizes.items()
    ]
    dimensions = sample.images.shape[1]
    return Table(
        "Folding a generation into its bucket",
        ["what", "measured", "target", "met"],
        rows,
        [f"Embeddings of {dimensions} dimensions, {lens.clusters} clusters, {len(lens.feature_names)} features."],
        {"us": {cost.batch: cost.microseconds for cost in costs}, "bytes": sizes},
    )


def _met(met: bool) -> str:
    return "yes" if met else "NO"


def main() -> None:
    world = World(seed=0)
    baseline = world.record(HEALTHY, 60_000, seed=1, per_day=PER_DAY).sample
    live = world.record(HEALTHY, 10_000, seed=2, per_day=PER_DAY).sample
    print(fold_table(fit_lens(baseline, seed=0), live).text())


if __name__ == "__main__":
    main()
