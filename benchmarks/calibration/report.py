"""What was found, as tables for people and JSON for the record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from benchmarks.calibration.far_tail import LEVELS as FAR_LEVELS
from benchmarks.calibration.far_tail import Tail
from benchmarks.calibration.simulate import LEVELS, Watched, level, sizes_of_windows
from benchmarks.calibration.traffic import MINUTES
from monitors.scan import Rule

MONTH_DAYS = 30.0
_ALL = "all worlds"
_TESTS = ("means", "tails", "prompts")


@dataclass(frozen=True)
class Found:
    """What runs of the benchmark found: where and when each was made, what was watched, and the far tail."""

    runs: Sequence[dict[str, str]]
    watched: Mapping[str, Sequence[Watched]]
    """By the kind of worlds: tuning, held out."""
    tails: Sequence[Tail] = field(default_factory=tuple)

    def __add__(self, other: Found) -> Found:
        """Of lenses that differ: counts are added up."""
        kinds = list(dict.fromkeys([*self.watched, *other.watched]))
        both = {kind: [*self.watched.get(kind, ()), *other.watched.get(kind, ())] for kind in kinds}
        ordered = {kind: sorted(each, key=lambda w: (w.world, w.baseline)) for kind, each in both.items()}
        return Found([*self.runs, *other.runs], ordered, [*self.tails, *other.tails])


def poisson_interval(count: int, exposure: float, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a rate (Garwood 1936)."""
    low = stats.chi2.ppf((1.0 - confidence) / 2.0, 2 * count) / 2.0 if count else 0.0
    high = stats.chi2.ppf((1.0 + confidence) / 2.0, 2 * count + 2) / 2.0
    return float(low / exposure), float(high / exposure)


def tables(found: Found) -> str:
    lines: list[str] = []
    for run in found.runs:
        lines += [*(f"{name}: {value}" for name, value in run.items()), ""]
    lines.pop()
    for kind, watched in found.watched.items():
        if not watched:
            continue
        for rule in Rule:
            some = [each for each in watched if each.rule is rule]
            lines += ["", f"{kind}, {_spoken(rule)}", "", *_alarms(some)]
        lines += ["", f"{kind}: P[p <= a] / a by window, {_spoken(Rule.ANY_CHANGE)}", ""]
        lines += _by_window([each for each in watched if each.rule is Rule.ANY_CHANGE])
    if found.tails:
        lines += ["", "far tail of the test of means, sampling alone: P[p <= a] / a (standard error)", ""]
        lines += _far_tail(found.tails)
    return "\n".join(lines)


def _spoken(rule: Rule) -> str:
    return {Rule.ANY_CHANGE: "any change against the own lens", Rule.WORSE: "worse than the previous version"}[rule]


def _alarms(watched: Sequence[Watched]) -> list[str]:
    lines = [
        "| world | lenses | days | generations | unseen | held | alarms | incidents | in 30 days [95 %] | least |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    worlds = list(dict.fromkeys(each.world for each in watched))
    for name in [*worlds, _ALL]:
        some = [each for each in watched if name in (each.world, _ALL)]
        days = sum(each.days for each in some)
        generations = sum(each.generations for each in some)
        incidents = sum(each.episodes for each in some)
        alarms = sum(each.alarms for each in some)
        held = sum(each.held for each in some) / (days * MINUTES)
        unseen = sum(each.unseen for each in some) / generations
        low, high = poisson_interval(incidents, days / MONTH_DAYS)
        lines.append(
            f"| {name} | {len(some)} | {days:g} | {generations:,} | {unseen:.1%} | {held:.2%} | {alarms} | "
            f"{incidents} | "
            f"{incidents / days * MONTH_DAYS:.3f} [{low:.3f}, {high:.3f}] | {min(each.worst for each in some):.1e} |"
        )
    return lines


def _by_window(watched: Sequence[Watched]) -> list[str]:
    lines = ["| minutes | windows | " + " | ".join(f"{test} {a:g}" for test in _TESTS for a in LEVELS) + " |"]
    lines.append("|---" * (2 + len(_TESTS) * len(LEVELS)) + "|")
    tested = np.sum([each.tested for each in watched], axis=0)
    below = np.sum([each.below for each in watched], axis=0)
    for row, minutes in enumerate(sizes_of_windows()):
        if tested[row]:
            ratios = below[row] / tested[row] / np.array(LEVELS)
            lines.append(f"| {minutes} | {tested[row]:,} | " + " | ".join(f"{r:.2f}" for r in ratios.ravel()) + " |")
    return lines


def _far_tail(tails: Sequence[Tail]) -> list[str]:
    lines = ["| world | baseline | n | " + " | ".join(f"{a:g}" for a in FAR_LEVELS) + " |"]
    lines.append("|---" * (3 + len(FAR_LEVELS)) + "|")
    for tail in tails:
        cells = [
            f"{share / a:.2f} ({error / a:.2f})"
            for share, error, a in zip(tail.share, tail.error, FAR_LEVELS, strict=True)
        ]
        lines.append(f"| {tail.world} | {tail.baseline:,} | {tail.n} | " + " | ".join(cells) + " |")
    return lines


def as_json(found: Found) -> str:
    """Everything that the tables are made of."""
    record = {
        "runs": found.runs,
        "level": level(),
        "levels": LEVELS,
        "windows_minutes": sizes_of_windows(),
        "watched": {
            kind: [
                {
                    "world": each.world,
                    "baseline": each.baseline,
                    "rule": each.rule.value,
                    "days": each.days,
                    "generations": each.generations,
                    "unseen": each.unseen,
                    "alarms": each.alarms,
                    "episodes": each.episodes,
                    "held": each.held,
                    "worst": each.worst,
                    "tested": each.tested.tolist(),
                    "below": each.below.tolist(),
                }
                for each in watched
            ]
            for kind, watched in found.watched.items()
        },
        "far_tail_levels": FAR_LEVELS,
        "far_tail": [vars(tail) for tail in found.tails],
    }
    return json.dumps(record)


def from_json(text: str) -> Found:
    """What `as_json` wrote. Raises ValueError for what was watched at another level: by a detector of other tests."""
    record = json.loads(text)
    if not math.isclose(record["level"], level()):
        raise ValueError(f"it was watched at a level of {record['level']:.1e}, not {level():.1e}")
    watched = {
        kind: [
            Watched(
                **each
                | {
                    "rule": Rule(each["rule"]),
                    "tested": np.array(each["tested"], np.int64),
                    "below": np.array(each["below"], np.int64),
                }
            )
            for each in some
        ]
        for kind, some in record["watched"].items()
    }
    tails = [Tail(**each | {name: tuple(each[name]) for name in ("share", "error")}) for each in record["far_tail"]]
    return Found(record["runs"], watched, tails)
