"""One lens in one world: fitted on the week before, then asked at every minute of the days that follow.

What is simulated is exact: every generation is painted, folded through the lens and put to the very tests that
production runs. Only the bookkeeping is done for all minutes of a day at once: sketches add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.traffic import MINUTES, Stretch, World
from monitors.budget import AlarmBudget
from monitors.fitting import fit_lens
from monitors.lens import Features, Lens
from monitors.moves import Moves
from monitors.scan import TESTS_PER_WINDOW, Rule, beyond_moves, examine, large_enough, within_reach
from monitors.sketch import Layout, Sketch, hashed, hit_counter, worst
from monitors.windows import window_count

TICK = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
LEVELS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
QUIET = 60  # ticks without an alarm after which the next one counts as another
_ROWS = 4_000  # windows tested at a time


def sizes_of_windows() -> list[int]:
    """In minutes."""
    longest = LONGEST // TICK
    return [min(2**k, longest) for k in range(window_count(TICK, LONGEST))]


def level() -> float:
    """Of one comparison, where this one monitor has all of a budget of one false alarm in 30 days."""
    return AlarmBudget(1.0, TICK, len(sizes_of_windows()), TESTS_PER_WINDOW).alpha


@dataclass(frozen=True, eq=False)
class Watched:
    """How a lens did. `below` [windows, tests, levels] counts p-values at or under `LEVELS` out of `tested` [windows];
    `alarms` are ticks with an alarm, `episodes` those after an hour without one; `held` are ticks with a p-value under
    the level whose alarm is held, `worst` is the smallest p-value."""

    world: str
    baseline: int
    rule: Rule
    days: float
    generations: int
    unseen: int
    tested: NDArray[np.int64]
    below: NDArray[np.int64]
    alarms: int
    episodes: int
    held: int
    worst: float


def watch(world: World, baseline: int, days: int, seed: int) -> list[Watched]:
    """What both rules say, minute by minute, of a lens fitted on `baseline` generations of the week before."""
    rng = np.random.default_rng((seed, 77))
    lens = fit_lens(world.baseline(baseline, rng), seed)
    tallies = {rule: _Tally(rule) for rule in Rule}
    before: Sketch | None = None
    generations = unseen = 0
    for day in range(days):
        today = minutes_of(lens, world.day(day, rng))
        generations += int(today.judged.sum() + today.unseen.sum())
        unseen += int(today.unseen.sum())
        stacks = _windows(before, today)
        for (windows, place), moves in zip(stacks, _moves(lens, stacks), strict=True):
            for tally in tallies.values():
                tally.add(lens, windows, moves, place)
        before = _last(today)
    return [tally.watched(world.name, baseline, days, generations, unseen) for tally in tallies.values()]


def minutes_of(lens: Lens, stretches: Sequence[Stretch]) -> Sketch:
    """A stack of sketches, one of each minute of a day."""
    day = _empty(lens, MINUTES)
    for stretch in stretches:
        _add(day, lens.features(stretch.sample), stretch.minute)
    return day


def ticks_of(features: Features, size: int) -> Sketch:
    """A stack of sketches, one of each `size` generations."""
    stack = _empty(features.lens, -(-len(features) // size))
    _add(stack, features, np.arange(len(features)) // size)
    return stack


def _empty(lens: Lens, rows: int) -> Sketch:
    layout = Layout.of(lens)
    return Sketch(lens.digest, layout, np.zeros((rows, layout.counts), np.int64), np.zeros((rows, layout.sums)))


def _add(stack: Sketch, features: Features, row: NDArray[np.intp]) -> None:
    rows, judged = len(stack.counts), ~features.unseen
    for level, hit in enumerate(worst(features)):
        np.add.at(stack.hits[:, level], (row[hit], hit_counter(features.prompt_keys[hit])), 1)
    stack.counts[:, 1] += np.bincount(row[features.unseen], minlength=rows)
    row = row[judged]
    if len(row) == 0:
        return
    stack.counts[:, 0] += np.bincount(row, minlength=rows)
    present, starts = np.unique(row, return_index=True)
    directed = features.directed[judged].astype(np.float64)
    summed = np.concatenate([features.values[judged], directed, directed**2, features.leverage[judged]], axis=1)
    stack.sums[present] += np.add.reduceat(summed, starts, axis=0)
    stack.tail_counts[present] += np.add.reduceat(features.tails[judged].astype(np.int64), starts, axis=0)
    clusters = stack.layout.clusters
    found = np.bincount(row * clusters + features.cluster[judged], minlength=rows * clusters)
    stack.cluster_counts[...] += found.reshape(rows, clusters)
    column, sign = hashed(features.prompt_keys[judged])
    width = stack.repeats.shape[1]
    signed = np.bincount(row * width + column, weights=sign, minlength=rows * width)
    stack.repeats[...] += signed.reshape(rows, width).astype(np.int64)


def _last(day: Sketch) -> Sketch:
    kept = LONGEST // TICK
    return Sketch(day.lens_digest, day.layout, day.counts[-kept:], day.sums[-kept:])


def _windows(before: Sketch | None, today: Sketch) -> list[tuple[Sketch, NDArray[np.intp]]]:
    """Stacks of all windows that end with a minute of today, with the number of each one's size."""
    earlier = 0 if before is None else len(before.counts)
    counts, sums = (
        np.concatenate([np.zeros_like(part[:1]), part] if prior is None else [np.zeros_like(part[:1]), prior, part])
        for part, prior in (
            (today.counts, None if before is None else before.counts),
            (today.sums, None if before is None else before.sums),
        )
    )
    counts, sums = np.cumsum(counts, axis=0), np.cumsum(sums, axis=0)
    ends = np.arange(earlier + 1, len(counts))
    stacks = []
    for number, size in enumerate(sizes_of_windows()):
        for some in np.array_split(ends[ends >= size], 1 + MINUTES // _ROWS):
            if len(some):
                stack = Sketch(
                    today.lens_digest,
                    today.layout,
                    counts[some] - counts[some - size],
                    sums[some] - sums[some - size],
                )
                stacks.append((stack, np.stack([some - earlier - 1, np.full(len(some), number)])))
    return stacks


def _moves(lens: Lens, stacks: Sequence[tuple[Sketch, NDArray[np.intp]]]) -> list[Moves]:
    """As `moves_of_nested`, of windows that lie by their size instead of by the minute they end with."""
    longer = Moves(*np.zeros((3, MINUTES)))
    found = []
    for windows, place in reversed(stacks):
        moves = Moves.of(lens, windows) | longer.rows(place[0])
        for all_minutes, these in zip(vars(longer).values(), vars(moves).values(), strict=True):
            all_minutes[place[0]] = these
        found.append(moves)
    return found[::-1]


class _Tally:
    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        windows = len(sizes_of_windows())
        self._tested = np.zeros(windows, np.int64)
        self._below = np.zeros((windows, TESTS_PER_WINDOW, len(LEVELS)), np.int64)
        self._alarmed: list[NDArray[np.bool_]] = []
        self._held: list[NDArray[np.bool_]] = []
        self._worst = 1.0

    def add(self, lens: Lens, windows: Sketch, moves: Moves, place: NDArray[np.intp]) -> None:
        enough = large_enough(lens, windows) & within_reach(lens, windows)
        minute, number = place[0][enough], int(place[1][0])
        if number == 0:
            self._alarmed.append(np.zeros(MINUTES, np.bool_))
            self._held.append(np.zeros(MINUTES, np.bool_))
        if len(minute) == 0:
            return
        windows, moves = windows.rows(enough), moves.rows(enough)
        found = examine(lens, windows, self._rule)
        self._tested[number] += len(minute)
        for test, outcome in enumerate((found.means, found.tails, found.prompts)):
            self._below[number, test] += (outcome.p_value[:, None] <= LEVELS).sum(axis=0)
        self._worst = min(self._worst, float(found.p_value.min()))
        surprising = found.p_value < level()
        if not surprising.any():
            return
        minute, certain = minute[surprising], np.ones(int(surprising.sum()), np.bool_)
        if self._rule is Rule.ANY_CHANGE:
            certain = beyond_moves(lens, windows.rows(surprising), moves.rows(surprising), level())
        self._alarmed[-1][minute[certain]] = True
        self._held[-1][minute[~certain]] = True

    def watched(self, world: str, baseline: int, days: int, generations: int, unseen: int) -> Watched:
        alarmed, held = np.concatenate(self._alarmed), np.concatenate(self._held)
        alarms = np.flatnonzero(alarmed)
        episodes = int((np.diff(alarms, prepend=-QUIET - 1) > QUIET).sum())
        return Watched(
            world, baseline, self._rule, days, generations, unseen,
            self._tested, self._below, len(alarms), episodes, int((held & ~alarmed).sum()), self._worst,
        )  # fmt: skip
