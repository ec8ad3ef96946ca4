"""The studio's real embeddings: regressions of versions 3, 4 and 6, alone and mixed into healthy traffic.

A stream begins with the release of what is wrong, so no window reaches behind it, and ends before a recording would
begin again: generations that come twice would pass for evidence. The reference is the baseline that ships with the
studio. All detectors look at the same streams with one false alarm in 30 days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import recording, streaming
from benchmarks.detection.ours import Line, Watch, tick_sketches
from benchmarks.detection.progress import say
from benchmarks.detection.streaming import Streaming, tick_sums
from benchmarks.detection.streams import PER_TICK, Delays
from benchmarks.detection.table import Table, median, spoken
from benchmarks.detection.world import REPLICAS
from monitors.fitting import fit_lens
from monitors.lens import Lens
from monitors.sample import ALIGNMENT, Sample
from safelight.studio.versions import BASELINES
from safelight.watching.recorded import read

_WINDOWS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Plan:
    share_of_recording: float = 1.0
    streams: int = 15
    ticks: int = 15
    replica_ticks: int = 96
    """One replica of 64 has made its first hundred images after 64 ticks."""
    months: int = 3
    processes: int = 1


QUICK = Plan(share_of_recording=1 / 6, streams=3, ticks=2, replica_ticks=70, months=1)


@dataclass(frozen=True, eq=False)
class Played:
    sample: Sample
    hit: NDArray[np.bool_]


Play = Callable[[int, np.random.Generator], Played]
"""A stream of so many generations."""


@dataclass(frozen=True)
class Scene:
    name: str
    play: Play
    longest: int
    """Generations that the recordings are good for."""
    harmless: bool = False
    sliced: bool = False


def studio_table(plan: Plan) -> Table:
    baseline = read(BASELINES / "version-2.safetensors").sample
    lens = fit_lens(baseline, seed=0)
    streams = {
        each.name: recording.recorded(each, round(each.images * plan.share_of_recording), plan.processes)
        for each in recording.ALL
    }
    healthy = streams[recording.HEALTHY.name]
    peers = [
        each.calibrated(healthy, plan.months, seed=6)
        for each in (
            streaming.clip_score("CLIPScore", baseline, _WINDOWS),
            streaming.random_feature_mmd("RFF-MMD", streaming.images, baseline, _WINDOWS, seed=7),
            streaming.random_feature_mmd("RFF-MMD, joint", streaming.prompts_and_images, baseline, _WINDOWS, seed=7),
        )
    ]
    played = scenes(healthy, streams)
    delays = {scene.name: _delays(scene, lens, peers, plan) for scene in played}
    return _table(played, delays, lens, baseline)


def scenes(healthy: Sample, streams: dict[str, Sample]) -> list[Scene]:
    def mixed(name: str, share: float) -> Play:
        return lambda n, rng: mixture(healthy, streams[name], rng.random(n) < share, rng)

    def whole(name: str, stream: str, *, harmless: bool = False) -> Scene:
        return Scene(name, mixed(stream, 1.0), len(streams[stream]), harmless)

    found = [
        whole("nothing", recording.HEALTHY.name, harmless=True),
        whole("version 5: 8-bit weights", "version 5", harmless=True),
        whole("other prompts", recording.FESTIVE.name, harmless=True),
        whole("version 1: an early snapshot, 100%", "version 1"),
    ]
    for number, what in {3: "colour words swapped", 4: "objects collapsed", 6: "two steps"}.items():
        stream, n = f"version {number}", len(healthy)
        found.append(whole(f"{stream}: {what}, 100%", stream))
        found += [Scene(f"{stream}: {what}, {share:.0%}", mixed(stream, share), n) for share in (0.1, 0.05, 0.02, 0.01)]
        replica = mixed(stream, 1 / REPLICAS)
        found.append(
            Scene(f"one replica of {REPLICAS} serves {stream}", replica, REPLICAS * len(streams[stream]), sliced=True)
        )
    found.append(Scene("2% given to the wrong prompt", lambda n, rng: shuffled(healthy, 0.02, n, rng), len(healthy)))
    return found


def mixture(healthy: Sample, other: Sample, hit: NDArray[np.bool_], rng: np.random.Generator) -> Played:
    """Generations of `other` where `hit`, each recording shuffled, and begun again where it ends."""
    both = Sample.concatenate([healthy, other])
    rows = np.where(hit, len(healthy) + _dealt(len(other), hit, rng), _dealt(len(healthy), ~hit, rng))
    return Played(_fresh(both.take(rows), rows, rng), hit)


def shuffled(healthy: Sample, share: float, n: int, rng: np.random.Generator) -> Played:
    """The right images, given to the wrong prompts."""
    played = mixture(healthy, healthy, np.zeros(n, np.bool_), rng).sample
    hit = rng.random(n) < share
    rows = np.arange(n)
    rows[hit] = np.roll(np.flatnonzero(hit), 1)
    images, scalars = played.images[rows], played.scalars[rows]
    column = [scalar.name for scalar in played.schema.scalars].index(ALIGNMENT)
    scalars[:, column] = (played.prompts * images).sum(axis=1)
    return Played(replace(played, images=images, scalars=scalars), hit)


def _dealt(n: int, hit: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
    """For each place the next of n shuffled rows; the places where not `hit` are not counted."""
    return np.asarray(rng.permutation(n)[np.maximum(np.cumsum(hit) - 1, 0) % n])


def _fresh(sample: Sample, rows: NDArray[np.intp], rng: np.random.Generator) -> Sample:
    """With new prompt keys where a row comes again: a recording begun anew is no crowd of repeated prompts."""
    _, first = np.unique(rows, return_index=True)
    keys = rng.integers(0, 2**63, len(rows), dtype=np.uint64)
    keys[first] = sample.prompt_keys[first]
    return replace(sample, prompt_keys=keys)


def _delays(scene: Scene, lens: Lens, peers: list[Streaming], plan: Plan) -> dict[str, Delays]:
    say(f"studio: {scene.name}")
    ticks = min(plan.replica_ticks if scene.sliced else plan.ticks, scene.longest // PER_TICK)
    watch = Watch(lens, slices=1 + REPLICAS if scene.sliced else 1)
    found: dict[str, list[float]] = {name: [] for name in ("lens", *(each.name for each in peers))}
    for number in range(plan.streams):
        played = scene.play(ticks * PER_TICK, np.random.default_rng([8, number]))
        features = lens.features(played.sample)
        # Of one replica only its own slice: the whole would be one recording many times over.
        found["lens"].append(watch.delay([Line([], tick_sketches(features, played.hit if scene.sliced else None))]))
        for each in peers:
            sums = tick_sums(each.columns(played.sample))
            found[each.name].append(each.delay(sums[:0], sums))
    return {name: np.array(delays) for name, delays in found.items()}


def _table(scenes: list[Scene], delays: dict[str, dict[str, Delays]], lens: Lens, baseline: Sample) -> Table:
    detectors = list(next(iter(delays.values())))
    wrong = [scene.name for scene in scenes if not scene.harmless]
    seen = [name for name in wrong if any(np.isfinite(each).any() for each in delays[name].values())]
    beaten = [name for name in seen if _later_than_a_peer(delays[name])]
    false = [scene.name for scene in scenes if scene.harmless and np.isfinite(delays[scene.name]["lens"]).any()]
    return Table(
        "The studio's real embeddings: generations from the release to the alarm",
        ["stream", *detectors],
        [[scene.name, *(spoken(delays[scene.name][name]) for name in detectors)] for scene in scenes],
        [
            f"The baseline as shipped: {len(baseline):,} images, {baseline.images.shape[1]} dimensions.",
            f"The lens: {lens.clusters} clusters, {len(lens.feature_names)} features.",
            "Streams of 1,500 generations, of 400 or 800 where all of them are another version's or other prompts'.",
            "Of one replica the lens sees its slice, its budget being that of 65 slices: 9,600 generations in all.",
            "CLIPScore looks at falls only; thresholds of the peers are an oracle's, as above.",
            f"Regressions that no detector sees: {len(wrong) - len(seen)} of {len(wrong)}.",
            f"The lens is first, or level with the first, on {len(seen) - len(beaten)} of the other {len(seen)}.",
            f"A peer is ahead on: {'; '.join(beaten) if beaten else 'none'}.",
            f"False alarms of the lens on harmless streams: {'; '.join(false) if false else 'none'}.",
        ],
        {
            name: {each: [d if np.isfinite(d) else None for d in found[each].tolist()] for each in detectors}
            for name, found in delays.items()
        },
    )


def _later_than_a_peer(found: dict[str, Delays]) -> bool:
    """By the median delay, then by the share of streams found."""

    def rank(delays: Delays) -> tuple[float, float]:
        return median(delays), -float(np.isfinite(delays).mean())

    return rank(found["lens"]) > min(rank(each) for name, each in found.items() if name != "lens")
