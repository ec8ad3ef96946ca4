"""One look at a generator: every enabled monitor answers; one that fails is an error, and the others go on."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.budget import AlarmBudget
from monitors.verdict import Health, Reason, Verdict
from safelight.clock import bucket_start
from safelight.errors import SafelightError
from safelight.settings import WatchingSettings
from safelight.store import monitors, scores
from safelight.store.database import Session
from safelight.store.releases import KnownRelease
from safelight.store.verdicts import NewVerdict
from safelight.watching.attribution import SlicedVerdict
from safelight.watching.monitors import Document, Monitor, ServiceHealth, budget, parse
from safelight.watching.observing import Observer, against, is_asked
from safelight.watching.questions import LensQuestion, Span
from safelight.watching.situation import Situation, situation, situation_of_canary

_log = logging.getLogger(__name__)
_LAG_BUCKETS = 5
"""How far scores may lie behind before nothing can be called healthy."""


_UNREADABLE = Verdict(Health.ERROR, Reason.FAILED, "This release cannot read the monitor's document. Write it anew.")


@dataclass(frozen=True)
class AskedMonitor:
    name: str
    document: Document
    budget: AlarmBudget

    @property
    def alpha(self) -> float:
        """The level of one comparison, all slices of the traffic together."""
        return self.budget.alpha


class Assessor:
    """Answers for what serves, from what the store holds."""

    def __init__(self, settings: WatchingSettings, observer: Observer, embedder_digest: str) -> None:
        self._tick = timedelta(seconds=settings.tick_seconds)
        self._width = timedelta(seconds=settings.bucket_seconds)
        self._false_alarms_per_month = settings.false_alarms_per_month
        self._observer = observer
        self._embedder_digest = embedder_digest

    def situation(self, session: Session, generator: str, at: datetime | None = None) -> Situation | None:
        return situation(session, generator, self._embedder_digest, at)

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
        return [AskedMonitor(name, each, self._budget(each, together)) for name, each in asked.items()], unreadable

    def _budget(self, document: Document, together: Sequence[Document]) -> AlarmBudget:
        return budget(
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
        return answers + [self._judged(session, monitor, now, at, behind) for monitor in readable]

    def of_canary(self, session: Session, release: KnownRelease, began: datetime, at: datetime) -> list[NewVerdict]:
        """As `assess`, of a version that has had a part of the traffic since it `began`."""
        return self.assess(session, situation_of_canary(session, release, began, self._embedder_digest), at)

    def answer(self, session: Session, now: Situation, at: datetime, name: str, document: Document) -> NewVerdict:
        """The answer of one monitor, as if it were the only one that is asked beside those that are enabled."""
        together = [each.document for each in self.asked(session, now)[0] if each.name != name]
        monitor = AskedMonitor(name, document, self._budget(document, [*together, document]))
        return self._judged(session, monitor, now, at, self._scoring_behind(session, now.generator, at))

    def _judged(
        self, session: Session, monitor: AskedMonitor, now: Situation, at: datetime, behind: timedelta | None
    ) -> NewVerdict:
        found = self._answer(session, monitor, now, self.span(now.since, at, monitor.document))
        verdict = against(found.verdict, monitor.document, now.references)
        if behind and verdict.health is Health.HEALTHY and not isinstance(monitor.document, ServiceHealth):
            verdict = _unsure(behind, verdict)
        return NewVerdict(monitor.name, monitor.document.critical, now.version, verdict, found.slices)

    def span(self, since: datetime, at: datetime, document: Monitor) -> Span:
        """The whole buckets that end before `at`, none of which begins before `since`."""
        seconds = int(self._width.total_seconds())
        end = bucket_start(at, seconds)
        first = bucket_start(since, seconds)
        if first < since:
            first += self._width
        longest = max(document.longest // self._width * self._width, self._width)
        return Span(max(first, end - longest), end, self._width)

    def _answer(self, session: Session, monitor: AskedMonitor, now: Situation, span: Span) -> SlicedVerdict:
        try:
            # A savepoint: on PostgreSQL a failed statement would end the other monitors' transaction too.
            with session.begin_nested():
                question = self._observer.question(session, monitor.document, now, span)
            if isinstance(question, LensQuestion):
                return question.by_slice(span, monitor.alpha)
            return _undivided(question.answer(span, monitor.alpha))
        except Exception as error:  # noqa: BLE001 - one monitor's fault, whatever it is, must not silence the others
            _log.exception("monitor %s of %s failed", monitor.name, now.generator)
            summary = f"The monitor itself failed ({type(error).__name__}). The worker's log has the details."
            return _undivided(Verdict(Health.ERROR, Reason.FAILED, summary))

    def _scoring_behind(self, session: Session, generator: str, at: datetime) -> timedelta | None:
        oldest = scores.oldest_waiting(session, generator)
        if oldest is None or at - oldest <= _LAG_BUCKETS * self._width:
            return None
        return at - oldest


def _undivided(verdict: Verdict) -> SlicedVerdict:
    return SlicedVerdict(verdict, {})


def _unsure(behind: timedelta, verdict: Verdict) -> Verdict:
    summary = f"Images have been waiting {behind.total_seconds():.0f} s for their scores: what is missing could be bad."
    return Verdict(Health.INCONCLUSIVE, Reason.SCORING_BEHIND, summary, n=verdict.n)
