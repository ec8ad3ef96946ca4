"""Power at one false alarm in 30 days: how many generations pass between a change and the alarm, for every detector."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import batch, streaming
from benchmarks.detection.capped import Unanswered, peer
from benchmarks.detection.environment import alibi_detect
from benchmarks.detection.ours import Line, Watch, tick_sketches
from benchmarks.detection.progress import say
from benchmarks.detection.streaming import AN_HOUR, DYADIC, Streaming, tick_sums
from benchmarks.detection.streams import PER_DAY, PER_HOUR, Delays, starts
from benchmarks.detection.world import (
    BAD_REPLICA,
    HARMLESS,
    HEALTHY,
    ONE_BAD_REPLICA,
    REGRESSIONS,
    REPLICAS,
    Recording,
    Scenario,
    World,
)
from monitors.fitting import fit_lens
from monitors.lens import Features, Lens
from monitors.sample import Sample
from monitors.sketch import Sketch

LENS, RFF = "lens", "RFF-MMD 1 h"
CHANGES = (HEALTHY, *REGRESSIONS, *HARMLESS)
_ALIBI = "alibi-detect MMDDrift, distance only"
_PERMUTATION_TEST = "exact MMD"
_BATCH_PEERS = (_PERMUTATION_TEST, "Evidently mmd", "Evidently model", "Evidently ratio", "Evidently distance", _ALIBI)

Answers = Mapping[str, Delays | Unanswered]
"""Of one detector, by scenario."""


@dataclass(frozen=True)
class Plan:
    """How much is simulated."""

    baseline: int = 60_000
    recorded: int = 24
    """Hours of each change."""
    streams: int = 24
    """Of each change, for detectors that look at every tick."""
    hours: int = 8
    """Of each change, for detectors that are asked once an hour; and twice as many healthy ones for their threshold."""
    months: int = 8
    """Healthy ones, for the thresholds of those that look at every tick."""
    weeks: int = 5
    """Of each harmless change, with fresh generations at every tick."""
    days: int = 7
    """In such a week."""


QUICK = Plan(baseline=9_000, recorded=4, streams=2, hours=3, months=1, weeks=1, days=1)


class Stage:
    """The world, what was recorded in it, and what learns from its healthy part: the same for all changes.

    Each is made when it is first asked for; what it is does not depend on when.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = World(seed=0)

    @cached_property
    def baseline(self) -> Sample:
        return self._record(HEALTHY, self.plan.baseline, seed=1).sample

    @cached_property
    def history(self) -> Recording:
        return self._record(HEALTHY, self.plan.recorded * PER_HOUR, seed=2)

    @cached_property
    def healthy(self) -> Sample:
        return self._record(HEALTHY, 2 * self.plan.hours * PER_HOUR, seed=3).sample

    @cached_property
    def changes(self) -> dict[str, Recording]:
        return {
            change.name: self._record(change, self.plan.recorded * PER_HOUR, seed=100 + number)
            for number, change in enumerate(CHANGES)
        }

    @cached_property
    def lens(self) -> Lens:
        say("fitting the lens")
        return fit_lens(self.baseline, seed=0)

    @cached_property
    def before(self) -> Features:
        return self.lens.features(self.history.sample)

    @cached_property
    def streaming(self) -> list[Streaming]:
        say("calibrating the peers that look at every tick")
        peers = streaming_peers(self.baseline)
        return [peer.calibrated(self.healthy, self.plan.months, seed=4) for peer in peers]

    def _record(self, scenario: Scenario, n: int, seed: int) -> Recording:
        return self.world.record(scenario, n, seed, per_day=PER_DAY)


def lens_answers(stage: Stage) -> Answers:
    return {change.name: _lens_delays(stage, change) for change in CHANGES}


def peers_answers(stage: Stage) -> dict[str, Answers]:
    """By the peer's name. They depend on nothing of ours but the streams."""
    plan, changes = stage.plan, stage.changes.items()
    found: dict[str, Answers] = {}
    for each in stage.streaming:
        say(f"watching with {each.name}")
        before = tick_sums(each.columns(stage.history.sample))
        found[each.name] = {
            name: _streaming_delays(each, before, changed.sample, plan.streams) for name, changed in changes
        }
    with tempfile.TemporaryDirectory() as folder:
        hours = batch.Hours(Path(folder), stage.baseline)
        healthy = hours.write("healthy hours", stage.healthy, 2 * plan.hours)
        files = {name: hours.write(name, changed.sample, plan.hours) for name, changed in changes}
        for method in _BATCH_PEERS:
            say(f"asking {method}")
            found[method.removesuffix(", distance only")] = _batch_delays(method, hours.reference, healthy, files)
    return found


def streaming_peers(baseline: Sample) -> list[Streaming]:
    return [
        streaming.clip_score("CLIPScore", baseline, DYADIC),
        streaming.random_feature_mmd(RFF, streaming.images, baseline, AN_HOUR, seed=5),
        streaming.random_feature_mmd("RFF-MMD, our windows", streaming.images, baseline, DYADIC, seed=5),
        streaming.random_feature_mmd("RFF-MMD, joint", streaming.prompts_and_images, baseline, DYADIC, seed=5),
    ]


def _lens_delays(stage: Stage, scenario: Scenario) -> Delays:
    """Of one bad replica, the alarm of its slice counts as much as that of the whole; the budget covers all slices."""
    say(f"watching {scenario.name}")
    sliced = scenario is ONE_BAD_REPLICA
    before = _sketches(stage.before, stage.history, sliced)
    changed = stage.changes[scenario.name]
    after = _sketches(stage.lens.features(changed.sample), changed, sliced)
    watch = Watch(stage.lens, slices=1 + REPLICAS if sliced else 1)

    def delay(start: int) -> float:
        lines = zip(before, after, strict=True)
        return watch.delay([Line(old[start:] + old[:start], new[start:] + new[:start]) for old, new in lines])

    return np.array([delay(start) for start in starts(len(after[0]), stage.plan.streams)])


def _sketches(features: Features, recording: Recording, sliced: bool) -> list[list[Sketch]]:
    whole = tick_sketches(features)
    return [whole, tick_sketches(features, recording.replica == BAD_REPLICA)] if sliced else [whole]


def _streaming_delays(detector: Streaming, before: NDArray[np.float64], changed: Sample, streams: int) -> Delays:
    after = tick_sums(detector.columns(changed))
    return np.array(
        [
            detector.delay(np.roll(before, -start, axis=0), np.roll(after, -start, axis=0))
            for start in starts(len(after), streams)
        ]
    )


def _batch_delays(method: str, reference: Path, healthy: list[Path], hours: Mapping[str, list[Path]]) -> Answers:
    python = alibi_detect() if method == _ALIBI else Path(sys.executable)
    if isinstance(python, Unanswered):
        return dict.fromkeys(hours, python)
    with peer(method, python) as asked:
        if method == _PERMUTATION_TEST:
            detector: batch.Batch | Unanswered = batch.Batch(asked, reference, batch.LEAST_P_VALUE)
        else:
            detector = batch.calibrated(asked, reference, healthy)
        if isinstance(detector, Unanswered):
            return dict.fromkeys(hours, detector)
        return {name: detector.delays(files) for name, files in hours.items()}
