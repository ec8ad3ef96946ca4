"""A monitor's document tried on the past before it may wake anybody: the stored sums, asked tick by tick."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.budget import MONTH
from monitors.verdict import Health, Verdict
from monitors.windows import spoken
from safelight.clock import bucket_start
from safelight.errors import Kind, SafelightError
from safelight.settings import WatchingSettings
from safelight.store.database import Session
from safelight.watching.inquiry import Inquiry
from safelight.watching.monitors import (
    BlankRate,
    ConditionalDrift,
    Cost,
    Document,
    Feedback,
    FilteredRate,
    GoodImages,
    NearDuplicates,
    PromptDrift,
    Queue,
    ReleaseComparison,
    ServiceHealth,
    budget,
)
from safelight.watching.observing import against, is_asked
from safelight.watching.questions import Question, Span
from safelight.watching.situation import Situation

MOST_TICKS = 1_440
"""A day of minutes: what an answer that somebody waits for may cost."""
_READ_ONCE = (
    BlankRate,
    ConditionalDrift,
    Feedback,
    FilteredRate,
    NearDuplicates,
    PromptDrift,
    Queue,
    ReleaseComparison,
    ServiceHealth,
)
"""Kinds whose question about a stretch of time answers for every shorter one as well."""
_REPLAYABLE = (*_READ_ONCE, GoodImages, Cost)
_SEEN_THROUGH_LENSES = (ConditionalDrift, PromptDrift, ReleaseComparison)
"""Kinds that ask sketches, which are let go of; counts are kept for ever."""


@dataclass(frozen=True)
class Alarm:
    """Ticks in a row at which somebody would have been woken, once. `verdict` is that of the first."""

    first: datetime
    last: datetime
    ticks: int
    version: int
    verdict: Verdict


@dataclass(frozen=True)
class DryRun:
    """What a document would have said. `ticks` were looked at, of which `silent` had no question for it.

    `expected_false_alarms` is the most that the ticks looked at may be expected to raise with nothing wrong.
    """

    ticks: int
    silent: int
    healths: Mapping[Health, int]
    alarms: Sequence[Alarm]
    expected_false_alarms: float


@dataclass(frozen=True)
class _Stretch:
    """Ticks in a row that stand in one situation."""

    situation: Situation | None
    ticks: Sequence[datetime]


class Rehearsal:
    """One document, and the monitors beside which it would have to share the budget."""

    def __init__(
        self, inquiry: Inquiry, settings: WatchingSettings, name: str, document: Document, sketches_since: datetime
    ) -> None:
        """`name` is that of the monitor it is meant for: an enabled one of that name makes room for it.

        Sketches of before `sketches_since` may be gone. Raises SafelightError `dry_run_unsupported`.
        """
        if not isinstance(document, _REPLAYABLE):
            raise SafelightError(
                Kind.INVALID,
                "dry_run_unsupported",
                f"A monitor of kind {document.kind} asks for something new at every tick: the past cannot answer it.",
            )
        self._inquiry = inquiry
        self._settings = settings
        self._tick = timedelta(seconds=settings.tick_seconds)
        self._name = name
        self._document = document
        self._sketches_since = sketches_since

    def run(self, session: Session, start: datetime, end: datetime, step: int = 1) -> DryRun:
        """Every `step`-th tick in (start, end], each with what was known then.

        Raises SafelightError `too_many_ticks`, `range_invalid`, `past_not_kept`.
        """
        self._require_kept(start)
        found: list[tuple[datetime, Situation | None, Verdict | None]] = []
        expected = 0.0
        for stretch in stretches(self._ticks(start, end, step), lambda at: self._situation(session, at)):
            verdicts, spent = self._verdicts(session, stretch)
            found += [(at, stretch.situation, said) for at, said in zip(stretch.ticks, verdicts, strict=True)]
            expected += spent
        said = [verdict for _, _, verdict in found if verdict is not None]
        return DryRun(
            ticks=len(found),
            silent=len(found) - len(said),
            healths=Counter(verdict.health for verdict in said),
            alarms=list(alarms(found)),
            expected_false_alarms=expected,
        )

    def _ticks(self, start: datetime, end: datetime, step: int) -> list[datetime]:
        if not start < end:
            raise SafelightError(Kind.INVALID, "range_invalid", "'from' lies before 'to'.")
        seconds = self._settings.tick_seconds
        first, last = bucket_start(start, seconds) + self._tick, bucket_start(end, seconds)
        count = (last - first) // (self._tick * step) + 1
        if count > MOST_TICKS:
            raise SafelightError(
                Kind.INVALID,
                "too_many_ticks",
                f"That is {count:,} ticks, and one dry run looks at {MOST_TICKS:,}. Take a shorter range, or a step of "
                f"{-(-count * step // MOST_TICKS)}.",
            )
        return [first + i * step * self._tick for i in range(max(0, count))]

    def _require_kept(self, start: datetime) -> None:
        """A window without its sketches would look like one without traffic."""
        earliest = self._sketches_since + self._document.longest
        if isinstance(self._document, _SEEN_THROUGH_LENSES) and start < earliest:
            raise SafelightError(
                Kind.INVALID,
                "past_not_kept",
                f"A monitor of kind {self._document.kind} with windows of {spoken(self._document.longest_seconds)} can "
                f"be tried from {earliest:%Y-%m-%d %H:%M} UTC on: what was seen before is kept no longer "
                "(retention.sketches_days).",
            )

    def _situation(self, session: Session, at: datetime) -> Situation | None:
        return self._inquiry.assessor.situation(session, self._inquiry.generator, at)

    def _verdicts(self, session: Session, stretch: _Stretch) -> tuple[list[Verdict | None], float]:
        """One for each tick, None where the monitor had no question, and the false alarms to be expected of them."""
        now = stretch.situation
        if now is None or not is_asked(self._document, now):
            return [None] * len(stretch.ticks), 0.0
        asked, _ = self._inquiry.assessor.asked(session, now)
        together = [each.document for each in asked if each.name != self._name]
        allowed = budget(
            self._document,
            [*together, self._document],
            false_alarms_per_month=self._settings.false_alarms_per_month,
            tick=self._tick,
            width=timedelta(seconds=self._settings.bucket_seconds),
        )
        question = self._question(session, now, stretch.ticks)
        spent = allowed.expected_false_alarms(allowed.alpha) * len(stretch.ticks) / (MONTH / self._tick)
        answers = (question(at).answer(self._span(now, at), allowed.alpha) for at in stretch.ticks)
        return [against(each, self._document, now.references) for each in answers], spent

    def _question(self, session: Session, now: Situation, ticks: Sequence[datetime]) -> Callable[[datetime], Question]:
        def ask(span: Span) -> Question:
            return self._inquiry.observer.question(session, self._document, now, span)

        if not isinstance(self._document, _READ_ONCE):
            return lambda at: ask(self._span(now, at))
        first, last = self._span(now, ticks[0]), self._span(now, ticks[-1])
        question = ask(Span(first.start, last.end, last.width))
        return lambda _: question

    def _span(self, now: Situation, at: datetime) -> Span:
        return self._inquiry.assessor.span(now.since, at, self._document)


def stretches(ticks: Sequence[datetime], situation: Callable[[datetime], Situation | None]) -> Iterator[_Stretch]:
    """Cut ticks where the situation changes. It only ever goes forward: where the ends agree, so does all between."""
    known: dict[datetime, Situation | None] = {}

    def at(moment: datetime) -> Situation | None:
        if moment not in known:
            known[moment] = situation(moment)
        return known[moment]

    begin = 0
    while begin < len(ticks):
        same, other = begin, len(ticks)
        while other - same > 1:
            # The last tick is looked at first: most often nothing has changed.
            middle = other - 1 if other == len(ticks) else (same + other) // 2
            same, other = (middle, other) if at(ticks[middle]) == at(ticks[begin]) else (same, middle)
        yield _Stretch(at(ticks[begin]), ticks[begin:other])
        begin = other


def alarms(found: Sequence[tuple[datetime, Situation | None, Verdict | None]]) -> Iterator[Alarm]:
    """Degraded ticks in a row, of one release, are one alarm."""
    run: list[tuple[datetime, Situation, Verdict]] = []
    for at, now, verdict in found:
        alarm = None
        if now is not None and verdict is not None and verdict.health is Health.DEGRADED:
            alarm = at, now, verdict
        if run and (alarm is None or alarm[1].ledger_seq != run[-1][1].ledger_seq):
            yield _alarm(run)
            run = []
        if alarm is not None:
            run.append(alarm)
    if run:
        yield _alarm(run)


def _alarm(run: Sequence[tuple[datetime, Situation, Verdict]]) -> Alarm:
    first, now, verdict = run[0]
    return Alarm(first, run[-1][0], len(run), now.version, verdict)
