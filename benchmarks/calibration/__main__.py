"""Are the detector's promises kept where production is unkind? `python -m benchmarks.calibration`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.calibration import held_out, tuning
from benchmarks.calibration.far_tail import Tail, far_tail
from benchmarks.calibration.report import Found, as_json, from_json, tables
from benchmarks.calibration.simulate import Watched, watch
from benchmarks.calibration.traffic import World
from benchmarks.detection.machine import revision

KINDS = {"tuning": tuning.worlds, "held out": held_out.worlds}
BASELINES = (3_500, 6_000, 12_000, 6_000, 30_000)
_FAR_TAILS = (
    (tuning.steady, 3_500),
    (tuning.steady, 12_000),
    (tuning.heavy_tails, 3_500),
    (tuning.heavy_tails, 12_000),
)


@dataclass(frozen=True)
class Task:
    """One lens in one world. Each has a geometry and a baseline of its own; their sizes take turns."""

    kind: str
    world: int
    seed: int
    baseline: int
    days: int | None


def _one_thread() -> None:
    threadpool_limits(1)  # each process has a lens of its own


def run_task(task: Task) -> list[Watched]:
    world = KINDS[task.kind](task.seed)[task.world]
    return watch(world, task.baseline, min(task.days or world.days, world.days), task.seed)


def run_tail(world: Callable[[int], World], baseline: int, seed: int) -> list[Tail]:
    return far_tail(world(seed), baseline, 7, seed)


def _baseline(turn: int) -> int:
    return BASELINES[turn % len(BASELINES)]


def tasks(options: argparse.Namespace) -> list[Task]:
    """One lens of each world after the other: whenever time is up, all had their turn."""
    return [
        Task(kind, number, 1000 * options.seed + 100 * number + lens, _baseline(lens + number), options.days)
        for lens in range(options.lenses)
        for kind in options.kinds
        for number, world in enumerate(KINDS[kind](0))
        if options.worlds is None or world.name in options.worlds
    ]


def run(options: argparse.Namespace) -> Found:
    started, detector = time.monotonic(), revision()
    watched: dict[str, list[Watched]] = {kind: [] for kind in options.kinds}
    far: list[Tail] = []
    with ProcessPoolExecutor(options.processes, initializer=_one_thread) as pool:
        tails = () if options.no_far_tail else _FAR_TAILS
        trying = [pool.submit(run_tail, world, baseline, options.seed) for world, baseline in tails]
        watching = {pool.submit(run_task, task): task for task in tasks(options)}
        try:
            for number, done in enumerate(as_completed(watching, timeout=options.within), 1):
                watched[watching[done].kind] += done.result()
                print(f"\r{number}/{len(watching)} lenses", end="", file=sys.stderr)
        except TimeoutError:
            print("\ntime is up: the tables hold what was watched until now", file=sys.stderr)
            pool.shutdown(wait=False, cancel_futures=True)
        for each in trying:
            far += each.result()
    setting = {
        "command": f"python -m benchmarks.calibration {' '.join(sys.argv[1:])}",
        "seed": str(options.seed),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {options.processes} processes",
        "detector": f"monitors as of {detector}",
        "took": f"{time.monotonic() - started:.0f} s",
    }
    return Found([setting], watched, far)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--worlds", nargs="+", help="by name; all if left out")
    parser.add_argument("--lenses", type=int, default=17, help="in each world")
    parser.add_argument("--days", type=int, help="that each lens watches; as many as the world says if left out")
    parser.add_argument("--within", type=float, help="seconds; what is not done by then is left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-far-tail", action="store_true")
    parser.add_argument("--out", type=Path, help="a folder for calibration.md and calibration.json")
    parser.add_argument("--add", action="store_true", help="to what --out holds of the same detector, by another seed")
    options = parser.parse_args()
    if options.add and not options.out:
        parser.error("--add needs --out")
    kept = options.out / "calibration.json" if options.out else None
    try:
        before = from_json(kept.read_text()) if options.add and kept else Found([], {})
    except ValueError as error:
        parser.error(f"nothing can be added to {kept}: {error}")
    if str(options.seed) in {each["seed"] for each in before.runs}:
        parser.error(f"the lenses of seed {options.seed} are in {kept} already")
    found = before + run(options)
    print(tables(found))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(as_json(found) + "\n")
        kept.with_suffix(".md").write_text(tables(found) + "\n")


if __name__ == "__main__":
    main()
