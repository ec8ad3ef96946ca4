"""From alarm to rollback, simulated: `python -m benchmarks.response`.

Prints what an armed policy does in healthy months, with bad versions and with faults that going back does not mend,
and writes it to benchmarks/results/response.md.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.response.simulate import (
    ALPHA,
    BATCH,
    BATCH_SIZE,
    COUNTED,
    IMAGES_A_MINUTE,
    PAIRS,
    UNANSWERED,
    Story,
    month,
)
from benchmarks.response.worlds import WORLDS, Truth
from safelight.responding.policy import Action

RESULT = Path("benchmarks/results/response.md")
_CONFIDENCE = 0.95
_ASSUMED = (
    "Simulated with the product's own comparisons and decisions, the policy armed. Assumed, not measured:",
    f"{IMAGES_A_MINUTE} images a minute; the lens as a normal statistic over dyadic windows, alarm at p < {ALPHA:.1e}",
    f"(and going on to a count of p = {COUNTED:.0e} where a few images in a hundred are broken);",
    f"a batch of {BATCH_SIZE} probes every {BATCH:.0f} s on an engine that people keep busy, {PAIRS} probes an alarm;",
    f"{UNANSWERED:.0%} of probe runs come back without an answer. Intervals are exact, {_CONFIDENCE:.0%}. Seconds and",
    "bad images count from the onset, median / 90 %.",
)


def simulate(world: int, months: int, seed: int) -> list[Story]:
    rng = np.random.default_rng([seed, world])
    return [story for _ in range(months) for story in month(WORLDS[world], rng)]


def a_month(count: int, months: int) -> str:
    """A rate with its exact interval (Garwood 1936)."""
    tail = (1 - _CONFIDENCE) / 2
    low = stats.chi2.ppf(tail, 2 * count) / 2 / months if count else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * (count + 1)) / 2 / months
    return f"{count / months:.4f} [{low:.4f}, {high:.4f}]"


def wrong(stories: Sequence[list[Story]], months: int) -> list[str]:
    lines = [
        "| nothing to go back for | months | alarms | rolled back | wrong rollbacks a month | what was done instead |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for world, told in zip(WORLDS, stories, strict=True):
        if world.truth is Truth.VERSION:
            continue
        back = sum(story.action is Action.ROLL_BACK for story in told)
        lines.append(f"| {world.name} | {months} | {len(told)} | {back} | {a_month(back, months)} | {_others(told)} |")
    return lines


def right(stories: Sequence[list[Story]], months: int) -> list[str]:
    lines = [
        "| bad version | months | found in a day | rolled back | seconds to restored | bad images | not rolled back |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for world, told in zip(WORLDS, stories, strict=True):
        if world.truth is not Truth.VERSION:
            continue
        back = [story for story in told if story.action is Action.ROLL_BACK]
        seconds = [story.seconds for story in back if story.seconds is not None]
        images = [story.bad_images for story in back if story.bad_images is not None]
        lines.append(
            f"| {world.name} | {months} | {len(told) / months:.1%} | {len(back) / months:.1%} | "
            f"{_spread(seconds)} | {_spread(images)} | {_others(told)} |"
        )
    return lines


def _others(told: Sequence[Story]) -> str:
    counts = Counter(story.why.name.lower() for story in told if story.action is not Action.ROLL_BACK)
    return ", ".join(f"{why} {count}" for why, count in counts.most_common()) or "-"


def _spread(values: Sequence[float]) -> str:
    return f"{np.median(values):.0f} / {np.quantile(values, 0.9):.0f}" if values else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--healthy", type=int, default=3000, help="months of each world where nothing is to be mended")
    parser.add_argument("--bad", type=int, default=300, help="months of each world with a bad version")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    months = [options.bad if world.truth is Truth.VERSION else options.healthy for world in WORLDS]
    with ProcessPoolExecutor(options.processes) as pool:
        stories = list(pool.map(simulate, range(len(WORLDS)), months, [options.seed] * len(WORLDS)))
    command = " ".join(["python -m benchmarks.response", *sys.argv[1:]])
    text = "\n".join(
        [
            "# From alarm to rollback",
            "",
            f"`{command}`",
            "",
            *_ASSUMED,
            "",
            *wrong(stories, options.healthy),
            "",
            *right(stories, options.bad),
            "",
        ]
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
