"""Do favourites raise alarms? The studio's recorded images of version 2, asked for by another mix of prompts and again
and again: `python -m benchmarks.calibration.favourites`.

Nothing is wrong with the version, so every alarm is false. A favourite's images are as alike as images of one prompt
are at the baseline, or one image each time, which is more than any generator does. Of the mean of what was recorded
nothing can be said but that it is one of a few hundred images, so all features are moved to the baseline's.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.calibration.simulate import ticks_of
from benchmarks.calibration.traffic import zipf
from benchmarks.detection import recording
from monitors.fitting import fit_lens
from monitors.lens import Features, Lens
from monitors.moves import Moves
from monitors.scan import Rule, beyond_moves, examine, large_enough, within_reach
from monitors.sketch import Sketch
from monitors.visibility import visibility
from safelight.studio.versions import BASELINES
from safelight.watching.recorded import read

PER_TICK, TICKS = 90, 56
WINDOWS = (1, 2, 4, 8, 16, 32, TICKS)
SIGHTS = (400, 1_000, 5_000)
FAVOURITES, SHARE = 200, 0.3  # as people ask the studio, by Zipf's law
LEVELS = (1e-4, 1e-5, 1e-6)
ALARM = 2e-8  # the level of the studio's own monitors, which look every ten seconds


@dataclass(frozen=True)
class Replayed:
    """The smallest p-value of a stream's windows, of any change, and what it came to."""

    p_value: float
    held: bool
    alarmed: bool


@dataclass(frozen=True, eq=False)
class Recorded:
    """Images as a lens sees them."""

    features: Features
    first: NDArray[np.intp]  # [prompts]: a row of each

    @classmethod
    def of(cls, features: Features) -> Recorded:
        values = features.values - features.values[~features.unseen].mean(axis=0)
        centred = (values + features.lens.calibration.feature_mean).astype(np.float32)
        _, first = np.unique(features.prompt_keys, return_index=True)
        return cls(replace(features, values=centred), first)

    def stream(self, n: int, share: float, same: float, rng: np.random.Generator) -> Features:
        """So many generations, a `share` of them of favourites, with their prompt's image `same` of the time and any
        other's else."""
        favourite = rng.permutation(len(self.first))[:FAVOURITES]
        asked = rng.choice(favourite, n, p=zipf(FAVOURITES, 1.0, 0.0))
        again, any_row = rng.random(n) < share, rng.integers(0, len(self.features), n)
        request = np.where(again, self.first[asked], any_row)
        made = np.where(again & (rng.random(n) < same), request, any_row)
        keys = rng.integers(0, 2**63, n, dtype=np.uint64)
        told = self.features.take(request)
        return replace(
            self.features.take(made),
            cluster=told.cluster,
            leverage=told.leverage,
            unseen=told.unseen,
            prompt_keys=np.where(again, told.prompt_keys, keys),
        )


def replayed(lens: Lens, features: Features, rule: Rule) -> Replayed:
    """Every window that ends with a tick, none reaching behind the stream's beginning."""
    ticks = ticks_of(features, PER_TICK)
    counts, sums = (
        np.concatenate([np.zeros_like(part[:1]), part.cumsum(axis=0)]) for part in (ticks.counts, ticks.sums)
    )
    least, held, alarmed = 1.0, False, False
    for size in WINDOWS:
        windows = replace(ticks, counts=counts[size:] - counts[:-size], sums=sums[size:] - sums[:-size])
        windows = windows.rows(large_enough(lens, windows) & within_reach(lens, windows))
        if len(windows.counts) == 0:
            continue
        p_value = examine(lens, windows, rule).p_value
        least = min(least, float(p_value.min()))
        surprising = p_value < ALARM
        if surprising.any():
            certain = np.ones(int(surprising.sum()), np.bool_)
            if rule is Rule.ANY_CHANGE:
                odd = windows.rows(surprising)
                certain = beyond_moves(lens, odd, Moves.of(lens, odd), ALARM)
            held, alarmed = held or not certain.all(), alarmed or bool(certain.any())
    return Replayed(least, held, alarmed)


def table(rows: Sequence[tuple[str, Rule, Sequence[Replayed]]]) -> str:
    lines = [
        "| favourites | rule | streams | " + " | ".join(f"p <= {a:g}" for a in LEVELS) + " | held | alarms | least |",
        "|---" * (6 + len(LEVELS)) + "|",
    ]
    for name, rule, found in rows:
        below = " | ".join(str(sum(each.p_value <= a for each in found)) for a in LEVELS)
        lines.append(
            f"| {name} | {rule.value} | {len(found)} | {below} | {sum(each.held for each in found)} | "
            f"{sum(each.alarmed for each in found)} | {min(each.p_value for each in found):.1e} |"
        )
    return "\n".join(lines)


def sight(lens: Lens, streams: Sequence[Features], n: int) -> str:
    """A row of what n generations show: medians over the streams."""
    seen = [visibility(lens, Sketch.of(each.take(np.arange(n))), ALARM) for each in streams]
    effect = np.median([each.effect for each in seen])
    share = np.median([1.0 if each.broken_share is None else each.broken_share for each in seen])
    return f"{n:,} | {effect:.2f} | {share:.1%} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    threadpool_limits(1)
    lens = fit_lens(read(BASELINES / "version-2.safetensors").sample, seed=0)
    festive = recording.recorded(recording.FESTIVE, recording.FESTIVE.images, 1)
    recorded = Recorded.of(lens.features(festive))
    alike = float(lens.calibration.repeat_correlation.mean())
    kinds = (
        ("none", 0.0, 1.0),
        (f"alike as at the baseline, {alike:.2f}", SHARE, float(np.sqrt(alike))),
        ("one image each", SHARE, 1.0),
    )
    rows: list[tuple[str, Rule, Sequence[Replayed]]] = []
    visible: list[str] = []
    for name, share, same in kinds:
        few = [recorded.stream(SIGHTS[-1], share, same, np.random.default_rng((options.seed, i))) for i in range(15)]
        visible += [f"| {name} | {sight(lens, few, n)}" for n in SIGHTS]
        found: dict[Rule, list[Replayed]] = {rule: [] for rule in Rule}
        for number in range(options.streams):
            rng = np.random.default_rng((options.seed, number))
            features = recorded.stream(TICKS * PER_TICK, share, same, rng)
            for rule, each in found.items():
                each.append(replayed(lens, features, rule))
        rows += [(name, rule, each) for rule, each in found.items()]
    print(f"Streams of {TICKS * PER_TICK:,} generations, alarms at {ALARM:g}.\n")
    print(table(rows))
    print("\nWhat a window shows: a shift of all images, in standard deviations, and a share of broken ones.\n")
    print("\n".join(["| favourites | generations | shift | broken |", "|---|---|---|---|", *visible]))


if __name__ == "__main__":
    main()
