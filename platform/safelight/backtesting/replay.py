"""What the monitors would have answered, tick by tick: the questions are those that are asked of live traffic."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitors.budget import AlarmBudget
from monitors.rates import Rate, RateCounts
from monitors.scan import MIN_GENERATIONS, Rule
from monitors.sketch import Sketch
from monitors.visibility import Visibility, visibility
from safelight.backtesting.alarms import Answer
from safelight.backtesting.fitting import Fitted, sample
from safelight.backtesting.gathering import Stream
from safelight.backtesting.recording import milliseconds, moment
from safelight.backtesting.traits import Traits
from safelight.clock import bucket_start
from safelight.store.slices import ALL
from safelight.watching.monitors import BlankRate, ConditionalDrift, Document, Monitor, PromptDrift, ReleaseComparison
from safelight.watching.monitors import budget as budget_of
from safelight.watching.questions import LensQuestion, MixQuestion, Question, RateQuestion, Span

DRIFT, COMPARISON, BLANK, MIX = ConditionalDrift(), ReleaseComparison(), BlankRate(), PromptDrift()
_SIGHT_WINDOWS = (timedelta(hours=1), timedelta(hours=6))
_LOOKS = 24  # ticks at which it is worked out how small a regression would have been seen
_WIDTHS = tuple(timedelta(seconds=seconds) for seconds in (60, 120, 300, 600, 900, 1800, 3600))
_MOST_TICKS = 5_000


@dataclass(frozen=True)
class Budgets:
    """The levels at which comparisons are made: those of a generator that is watched by the default monitors."""

    width: timedelta
    of: Mapping[str, AlarmBudget]

    @property
    def false_alarms_per_month(self) -> float:
        """Expected at most, of what is replayed and wakes somebody: one of the two lens monitors, and blank images."""
        return (
            max(self.of[kind(each)].false_alarms_per_month for each in (DRIFT, COMPARISON))
            + self.of[kind(BLANK)].false_alarms_per_month
        )


def kind(monitor: Monitor) -> str:
    """The name of what a monitor asks."""
    return str(type(monitor).model_fields["kind"].default)


def budgets(documents: Sequence[Document], width: timedelta, false_alarms_per_month: float) -> Budgets:
    """`documents` are all that would be enabled: they share one budget, so that a replay is no more lenient than life.

    A tick follows every bucket of `width`.
    """
    replayed: tuple[Document, ...] = (DRIFT, COMPARISON, BLANK, MIX)
    return Budgets(
        width,
        {
            kind(each): budget_of(
                each, documents, false_alarms_per_month=false_alarms_per_month, tick=width, width=width
            )
            for each in replayed
        },
    )


def pace(length: timedelta, shortest: timedelta) -> timedelta:
    """The width of buckets and ticks: as in life, or coarser where a long history would take hours to replay."""
    allowed = [each for each in (shortest, *_WIDTHS) if each >= shortest]
    return next((each for each in allowed if length / each <= _MOST_TICKS), allowed[-1])


@dataclass(frozen=True)
class Sight:
    """The smallest regression that would have been seen in one slice, in a window that long, at one tick."""

    slice: str
    window: timedelta
    n: int
    visible: Visibility


@dataclass(frozen=True)
class Tick:
    """What was answered after one bucket; now and then also how little would have been seen."""

    at: datetime
    answers: list[Answer]
    sights: list[Sight]


@dataclass
class _Version:
    """What is remembered of one version: what the longest window may still need."""

    since: datetime
    sketches: dict[str, dict[datetime, Sketch]] = field(default_factory=lambda: defaultdict(dict))
    blank: dict[datetime, RateCounts] = field(default_factory=dict)

    def forget_before(self, start: datetime) -> None:
        self.blank = {at: counts for at, counts in self.blank.items() if at >= start}
        for name in list(self.sketches):
            for at in [at for at in self.sketches[name] if at < start]:
                del self.sketches[name][at]
            if not self.sketches[name]:
                del self.sketches[name]


@dataclass(frozen=True, eq=False)
class Replay:
    """A stream behind the time it was fitted on, asked at every bucket in which something was made."""

    stream: Stream
    traits: Traits
    fitted: Fitted
    fit_until: datetime
    budgets: Budgets

    def run(self, progress: Callable[[int], None]) -> Iterator[Tick]:
        """Every tick that follows something, the oldest first; `progress` is told of how many generations."""
        remembered: dict[int, _Version] = {}
        buckets = self._buckets()
        looks = set(np.linspace(0, len(buckets) - 1, _LOOKS, dtype=int).tolist())
        # Once, not bucket by bucket: each is a walk over all that is recorded.
        version, blank = self.stream.column("version"), self.stream.column("blank").astype(bool)
        for index, (start, rows) in enumerate(buckets):
            at = start + self.budgets.width
            tick = Tick(at, [], [])
            for number in map(int, np.unique(version[rows])):
                one = remembered.setdefault(number, _Version(start))
                mine = rows[version[rows] == number]
                self._fold(one, start, mine, blank[mine])
                one.forget_before(at - DRIFT.longest)
                tick.answers.extend(self._ask(number, one, at))
                if index in looks:
                    tick.sights.extend(self._look(number, one, at))
            yield tick
            progress(len(rows))

    def _buckets(self) -> list[tuple[datetime, NDArray[np.intp]]]:
        """The rows of each bucket that is not empty, behind the time that was fitted on."""
        at = self.stream.column("at").astype(np.int64)
        width = int(self.budgets.width.total_seconds())
        later = np.flatnonzero(at >= milliseconds(self.fit_until))
        edges = np.flatnonzero(np.diff(at[later] // (1000 * width))) + 1
        groups = np.split(later, edges) if len(later) else []
        return [(bucket_start(moment(int(at[rows[0]])), width), rows) for rows in groups]

    def _fold(self, one: _Version, start: datetime, rows: NDArray[np.intp], blank: NDArray[np.bool_]) -> None:
        one.blank[start] = RateCounts(int(blank.sum()), len(rows))
        readable = rows[~blank]
        if not len(readable):
            return
        features = self.fitted.lens.features(sample(self.stream, self.traits, readable))
        members: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(readable):
            for name in (ALL, *self.traits.slices(int(row))):
                members[name].append(place)
        for name, places in members.items():
            one.sketches[name][start] = Sketch.of(features.take(np.array(places, np.intp)))

    def _ask(self, number: int, one: _Version, at: datetime) -> Iterator[Answer]:
        monitor = self._lens_monitor(number)
        rule = Rule.ANY_CHANGE if monitor is DRIFT else Rule.WORSE
        questions: tuple[tuple[Monitor, Question], ...] = (
            (monitor, LensQuestion(self.fitted.lens, one.sketches, rule)),
            (BLANK, RateQuestion(Rate.BLANK, one.blank, self.fitted.blank, BLANK.tolerance)),
            (MIX, MixQuestion(self.fitted.lens, one.sketches.get(ALL, {}))),
        )
        for asked, question in questions:
            verdict = question.answer(self._span(one.since, at, asked), self.budgets.of[kind(asked)].alpha)
            yield Answer(at, kind(asked), number, verdict)

    def _look(self, number: int, one: _Version, at: datetime) -> Iterator[Sight]:
        alpha = self.budgets.of[kind(self._lens_monitor(number))].alpha
        others = max(1, len(one.sketches) - 1)
        for window in _SIGHT_WINDOWS:
            for name, buckets in sorted(one.sketches.items()):
                recent = [sketch for start, sketch in buckets.items() if start >= at - window]
                total = Sketch.total(recent) if recent else None
                if total is not None and total.n >= MIN_GENERATIONS:
                    part = alpha / 2 if name == ALL else alpha / 2 / others
                    yield Sight(name, window, total.n, visibility(self.fitted.lens, total, part))

    def _lens_monitor(self, number: int) -> ConditionalDrift | ReleaseComparison:
        """A version of the early days is held against itself; a later one against what it replaced."""
        return DRIFT if number in self.fitted.versions else COMPARISON

    def _span(self, since: datetime, tick: datetime, monitor: Monitor) -> Span:
        longest = monitor.longest // self.budgets.width * self.budgets.width
        return Span(max(since, tick - max(longest, self.budgets.width)), tick, self.budgets.width)
