"""After a repair: are the monitors content with what has been served since?"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from monitors.recovery import Recovery, recovery
from monitors.verdict import Reason, Verdict, combine
from safelight.store.database import Session
from safelight.watching.assess import Assessor
from safelight.watching.observing import Observer
from safelight.watching.questions import NOTHING_TO_COMPARE, Span

HEALTHY_WINDOWS = 3
"""Disjoint windows that must be healthy in a row."""
_LOOKED_BACK = timedelta(hours=2)
Judge = Callable[[Span], Verdict]


class RecoveryJudge:
    """Judges what serves now by its critical monitors, on disjoint windows that all begin after the repair."""

    def __init__(self, assessor: Assessor, observer: Observer) -> None:
        self._assessor = assessor
        self._observer = observer

    def __call__(self, session: Session, generator: str, since: datetime, now: datetime) -> Recovery:
        current = self._assessor.situation(session, generator)
        if current is None:
            return Recovery.WAITING
        critical = [each for each in self._assessor.asked(session, current)[0] if each.document.critical]
        if not critical:
            return Recovery.WAITING
        span = self._assessor.span(max(since, now - _LOOKED_BACK), now, critical[0].document)
        questions = [
            (self._observer.question(session, monitor.document, current, span), monitor) for monitor in critical
        ]

        def judge(window: Span) -> Verdict:
            return combine(answered([question.answer(window, monitor.alpha) for question, monitor in questions]))

        return recovery(list(fresh_windows(span, judge)), HEALTHY_WINDOWS)


def fresh_windows(span: Span, judge: Judge) -> Iterator[Verdict]:
    """Cut `span` into disjoint windows, each just long enough to be judged; the last may be too short for that."""
    start, end = span.start, span.start + span.width
    while end <= span.end:
        verdict = judge(Span(start, end, span.width))
        if verdict.reason is not Reason.TOO_FEW_GENERATIONS:
            yield verdict
            start = end
        end += span.width


def answered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Without the questions that nothing could be compared for, unless that is all of them."""
    comparable = [verdict for verdict in verdicts if verdict.reason not in NOTHING_TO_COMPARE]
    return comparable or list(verdicts)
