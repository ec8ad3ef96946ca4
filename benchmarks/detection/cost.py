"""What one full check costs by the number of generations in its window."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.detection.capped import Answer, Unanswered, peer
from benchmarks.detection.environment import alibi_detect
from benchmarks.detection.ours import Watch, in_a_row
from benchmarks.detection.progress import say
from benchmarks.detection.streaming import Streaming, tick_sums
from benchmarks.detection.streams import TICKS_A_DAY
from benchmarks.detection.table import Table
from benchmarks.detection.world import DIMENSIONS, unit
from benchmarks.fold import fold_cost
from monitors.lens import Lens
from monitors.sample import Sample
from monitors.sketch import Sketch

SIZES = (1_000, 10_000, 100_000, 1_000_000)
_LARGEST = 10_000_000
_EVIDENTLY, _ALIBI = "Evidently mmd", "alibi-detect MMDDrift"
_METHODS = ("exact MMD", _EVIDENTLY, "Evidently model", "Evidently ratio", "Evidently distance", _ALIBI)
_REPEATS = 101
_TARGET_SECONDS, _TARGET_GROWTH = 2e-3, 2.0
_TARGET_RATIOS = {1_000: 500.0, 10_000: 10_000.0}

Answers = list[Answer | Unanswered]
Name = TypeVar("Name")


def cost_tables(lens: Lens, live: Sample, streaming: Sequence[Streaming], sizes: Sequence[int]) -> list[Table]:
    """`live` is a healthy day; `streaming` are the peers that keep sums."""
    ours = check_seconds(lens, live, (*sizes, _LARGEST))
    folded = fold_cost(lens, live, 1024).microseconds * 1e-6
    sums = _seconds({each.name: _check(each, live) for each in streaming})
    batches = peer_costs(sizes)
    rows = [["lens, from its buckets", *(_spoken(ours[n]) for n in sizes)]]
    rows.append(["lens, folding them all first", *(_spoken(n * folded + ours[n]) for n in sizes)])
    rows += [[f"{name}, from its sums", *([_spoken(seconds)] * len(sizes))] for name, seconds in sums.items()]
    rows += [[method, *map(_answered, answers)] for method, answers in batches.items()]
    values = {
        "lens seconds": ours,
        "lens fold seconds a generation": folded,
        "sums seconds": sums,
        "peers": {method: [vars(answer) for answer in answers] for method, answers in batches.items()},
    }
    notes = [
        "Reference and window of the same size, 512 dimensions; each peer in a process with 8 GB, 120 s for an answer.",
        "Seconds of processor time, in one thread (a peer that starts threads of its own is charged for them).",
        "The lens: a day of 288 buckets, all windows and tests; larger days are merged from copies of smaller ones.",
        "CLIPScore and RFF-MMD, from their sums: all 288 checks of a day at once; one of them costs far less.",
    ]
    header = ["full check", *(f"n = {n:,}" for n in sizes)]
    return [Table("Cost of a full check", header, rows, notes, values), _targets(ours, batches[_EVIDENTLY])]


def check_seconds(lens: Lens, live: Sample, sizes: Sequence[int]) -> dict[int, float]:
    """The median time to scan a day that holds so many generations in its 288 buckets, by their number."""
    watch = Watch(lens)
    days = {n: in_a_row(buckets(lens, live, n)) for n in sizes}
    return _seconds({n: partial(watch.verdict, day) for n, day in days.items()})


def buckets(lens: Lens, live: Sample, n: int) -> list[Sketch]:
    features = lens.features(live.take(slice(0, n)))
    parts = [Sketch.of(features.take(rows)) for rows in np.array_split(np.arange(len(features)), TICKS_A_DAY)]
    return [reduce(add, [part] * max(1, round(n / len(features)))) for part in parts]


def peer_costs(sizes: Sequence[int]) -> dict[str, Answers]:
    """Each peer in a fresh process for every size. What was not answered is not asked for more."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        pairs = [(_rows(at / f"reference-{n}.npy", n, seed=1), _rows(at / f"{n}.npy", n, seed=2)) for n in sizes]
        return {method: _costs(method, pairs) for method in _METHODS}


def _costs(method: str, pairs: Sequence[tuple[Path, Path]]) -> Answers:
    python = alibi_detect() if method == _ALIBI else Path(sys.executable)
    if isinstance(python, Unanswered):
        return [python] * len(pairs)
    answers: Answers = []
    for reference, current in pairs:
        say(f"asking {method} about {current.stem}")
        with peer(method, python) as asked:
            answers.append(asked.ask(reference, current))
        if isinstance(answers[-1], Unanswered):
            break
    return answers + [Unanswered("not asked")] * (len(pairs) - len(answers))


def _rows(path: Path, n: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.5
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, DIMENSIONS))
    for start in range(0, n, 50_000):
        part = rows[start : start + 50_000]
        part[:] = unit(rng.standard_normal(part.shape, dtype=np.float32) * spectrum)
    rows.flush()
    return path


def _check(each: Streaming, live: Sample) -> Callable[[], object]:
    sums = tick_sums(each.columns(live))
    return lambda: each.alarms(sums)


def _seconds(checks: Mapping[Name, Callable[[], object]]) -> dict[Name, float]:
    """The median of each. They take turns, so that a slow moment of the machine meets all of them."""
    times: dict[Name, list[float]] = {name: [] for name in checks}
    for check in checks.values():
        check()
    for _ in range(_REPEATS):
        for name, check in checks.items():
            started = time.process_time()
            check()
            times[name].append(time.process_time() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}


def _targets(ours: dict[int, float], evidently: Answers) -> Table:
    growth = ours[_LARGEST] / ours[10_000]
    slowest = max(ours.values())
    rows = [
        ["a full check", f"<= {_TARGET_SECONDS * 1e3:g} ms", _spoken(slowest), _met(slowest <= _TARGET_SECONDS)],
        ["growth from 10 k to 10 M", f"<= {_TARGET_GROWTH:g}", f"{growth:.2f}", _met(growth <= _TARGET_GROWTH)],
    ]
    for (n, target), answer in zip(_TARGET_RATIOS.items(), evidently, strict=False):
        if isinstance(answer, Answer):
            ratio = answer.seconds / ours[n]
            goal = f"times faster than {_EVIDENTLY} at {n:,}"
            rows.append([goal, f">= {target:,.0f}", f"{ratio:,.0f}", _met(ratio >= target)])
    return Table("Targets of cost", ["goal", "target", "measured", "met"], rows)


def _met(met: bool) -> str:
    return "yes" if met else "NO"


def _answered(answer: Answer | Unanswered) -> str:
    if isinstance(answer, Unanswered):
        return answer.why
    return _spoken(answer.seconds)


def _spoken(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"
