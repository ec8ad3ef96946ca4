"""A week of each harmless change, with fresh generations at every tick: how many ticks alarm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.ours import Line, Watch, tick_sketches
from benchmarks.detection.power import LENS, Stage
from benchmarks.detection.progress import say
from benchmarks.detection.streaming import Streaming, tick_sums
from benchmarks.detection.streams import PER_DAY, TICKS_A_DAY
from benchmarks.detection.table import Table
from benchmarks.detection.world import HARMLESS, HEALTHY
from monitors.sketch import Sketch


def week_table(stage: Stage, peers: Sequence[Streaming]) -> Table:
    """Before every week comes a healthy day."""
    watch, weeks, length = Watch(stage.lens), stage.plan.weeks, stage.plan.days
    alarms = {(name, change.name): 0 for name in (LENS, *(each.name for each in peers)) for change in HARMLESS}
    for number, change in enumerate(HARMLESS):
        for week in range(weeks):
            say(f"{change.name}, week {week + 1}")
            seeds = 1000 * (1 + number) + 10 * week + np.arange(1 + length)
            days = [HEALTHY] + [change] * length
            sketches: list[Sketch] = []
            sums: dict[str, list[NDArray[np.float64]]] = {each.name: [] for each in peers}
            for day, seed in zip(days, seeds, strict=True):
                sample = stage.world.record(day, PER_DAY, int(seed), per_day=PER_DAY).sample
                sketches += tick_sketches(watch.lens.features(sample))
                for each in peers:
                    sums[each.name].append(tick_sums(each.columns(sample)))
            line = Line(sketches[:TICKS_A_DAY], sketches[TICKS_A_DAY:])
            ticks = range(1, len(line.after) + 1)
            alarms[LENS, change.name] += sum(watch.alarms(line.until(tick)) for tick in ticks)
            for each in peers:
                alarms[each.name, change.name] += int(each.alarms(np.concatenate(sums[each.name]))[TICKS_A_DAY:].sum())
    ticks_in_all = weeks * length * TICKS_A_DAY
    met = not any(alarms[LENS, change.name] for change in HARMLESS)
    return Table(
        f"Ticks that alarm in {weeks} weeks of each harmless change, of {ticks_in_all:,}",
        ["change", LENS, *(each.name for each in peers)],
        [
            [change.name, *(f"{alarms[name, change.name]:,}" for name in (LENS, *(each.name for each in peers)))]
            for change in HARMLESS
        ],
        [f"Target: no alarm of the lens in {weeks} weeks of any of them. Met: {'yes' if met else 'NO'}."],
        values={f"{name}: {change}": count for (name, change), count in alarms.items()},
    )
