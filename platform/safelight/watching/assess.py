"""One look at a generator: every enabled monitor answers; one that fails is an error, and the others go on."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.verdict import Health, Reason, Verdict
from safelight.clock import bucket_start
from safelight.errors import SafelightError
from safelight.settings import WatchingSettings
from safelight.store import monitors, scores
from safelight.store.database import Session
from safelight.store.verdicts import NewVerdict
from safelight.watching.monitors import Document, Monitor, ServiceHealth, alpha, parse
from safelight.watching.observing import Observer, is_asked
from safelight.watching.questions import Span
from safelight.watching.situation import Situation, situation

_log = logging.getLogger(__name__)
_LAG_BUCKETS = 5
"""How far scores may lie behind before nothing can be called healthy."""


_UNREADABLE = Verdict(Health.ERROR, Reason.FAILED, "This release cannot read the monitor's document. Write it anew.")


@dataclass(frozen=True)
class AskedMonitor:
    name: str
    document: Document
    alpha: float


class Assessor:
    """Answers for what serves, from what the store holds."""

    def __init__(self, settings: WatchingSettings, observer: Observer, embedder_digest: str) -> None:
        self._tick = timedelta(seconds=settings.tick_seconds)
        self._width = timedelta(seconds=settings.bucket_seconds)
        self._false_alarms_per_month = settings.false_alarms_per_month
        self._observer = observer
        self._embedder_digest = embedder_digest

    def situation(self, session: Session, generator: str) -> Situation | None:
        return situation(session, generator, self._embedder_digest)

    def asked(self, session: Session, now: Situation) -> tuple[list[AskedMonitor], list[str]]:
        """The enabled monitors that have a question now, each with its share of the budget for false alarms; then the
        names of those whose document this release cannot read."""
        documents: dict[str, Document] = {}
        unreadable = []
        for each in monitors.all_of(session, now.generator):
            if each.enabled:
                try:
                    documents[each.name] = parse(each.document)
                except SafelightError:
                    _log.exception("monitor %s of %s cannot be read", each.name, now.generator)
                    unreadable.append(each.name)
        asked = {name: document for name, document in documents.items() if is_asked(document, now)}
        together = list(asked.values())
        return [AskedMonitor(name, each, self._alpha(each, together)) for name, each in asked.items()], unreadable

    def _alpha(self, document: Document, together: Sequence[Document]) -> float:
        return alpha(
            document,
            together,
            false_alarms_per_month=self._false_alarms_per_month,
            tick=self._tick,
            width=self._width,
        )

    def assess(self, session: Session, now: Situation, at: datetime) -> list[NewVerdict]:
        """The answer of every monitor that is asked, from buckets that ended before `at`."""
        behind = self._scoring_behind(session, now.generator, at)
        readable, unreadable = self.asked(session, now)
        answers = [NewVerdict(name, False, now.version, _UNREADABLE) for name in unreadable]
        for monitor in readable:
            span = self.span(now.since, at, monitor.document)
            verdict = self._answer(session, monitor, now, span)
            if behind and verdict.health is Health.HEALTHY and not isinstance(monitor.document, ServiceHealth):
                verdict = _unsure(behind, verdict)
            answers.append(NewVerdict(monitor.name, monitor.document.critical, now.version, verdict))
        return answers

    def span(self, since: datetime, at: datetime, document: Monitor) -> Span:
        """The whole buckets that end before `at`, none of which begins before `since`."""
        seconds = int(self._width.total_seconds())
        end = bucket_start(at, seconds)
        first = bucket_start(since, seconds)
        if first < since:
            first += self._width
        longest = document.longest // self._width * self._width
        return Span(max(first, end - longest), end, self._width)

    def _answer(self, session: Session, monitor: AskedMonitor, now: Situation, span: Span) -> Verdict:
        try:
            # A savepoint: on PostgreSQL a failed statement would end the other monitors' transaction too.
            with session.begin_nested():
                question = self._observer.question(session, monitor.document, now, span)
            return question.answer(span, monitor.alpha) if question else no_baseline(monitor.document)
        except Exception as error:  # noqa: BLE001 - one monitor's fault, whatever it is, must not silence the others
            _log.exception("monitor %s of %s failed", monitor.name, now.generator)
            summary = f"The monitor itself failed ({type(error).__name__}). The worker's log has the details."
            return Verdict(Health.ERROR, Reason.FAILED, summary)

    def _scoring_behind(self, session: Session, generator: str, at: datetime) -> timedelta | None:
        oldest = scores.oldest_waiting(session, generator)
        if oldest is None or at - oldest <= _LAG_BUCKETS * self._width:
            return None
        return at - oldest


def no_baseline(document: Document) -> Verdict:
    return Verdict(
        Health.INCONCLUSIVE,
        Reason.NO_BASELINE,
        f"There is no baseline for {document.kind.replace('_', ' ')} to compare with. Make one of an accepted version.",
    )


def _unsure(behind: timedelta, verdict: Verdict) -> Verdict:
    summary = f"Images have been waiting {behind.total_seconds():.0f} s for their scores: what is missing could be bad."
    return Verdict(Health.INCONCLUSIVE, Reason.SCORING_BEHIND, summary, n=verdict.n)
