"""The daily report: for drift too slow for any window, a day is held against its baseline and the days before."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from monitors.codec import UnreadableArtifact
from monitors.estimates import rate_estimate
from monitors.mix import prompt_drift
from monitors.scan import scan
from monitors.sketch import Sketch
from monitors.trend import trend
from monitors.windows import Bucket
from safelight.clock import Clock, bucket_start
from safelight.comparing.distances import Embedded, distances
from safelight.comparing.documents import (
    DailyReport,
    DayFigures,
    DaysApart,
    DayTrend,
    Departure,
    Figure,
    Space,
)
from safelight.comparing.versions import SAMPLED, aligned, embed
from safelight.rounds import Turns
from safelight.store import comparisons, daily_reports, sketches, totals, versions
from safelight.store.baselines import KnownBaseline
from safelight.store.comparisons import Sampled
from safelight.store.daily_reports import StoredReport
from safelight.store.database import Database, Session
from safelight.watching.lenses import LensCache, LensUnreadable
from safelight.watching.samples import SERVING_ARM
from safelight.watching.situation import Situation, situation

_log = logging.getLogger(__name__)
DAY = timedelta(days=1)
_LEVEL = 0.01
"""A day whose p-value is below this is pointed out: once in three months of healthy days."""
_DAYS_SHOWN = 14
_HELD_AGAINST = (1, 7)


class DailyReporter:
    """Makes the report of the last whole day (UTC) of every generator that served on it; any worker may."""

    def __init__(self, database: Database, clock: Clock, lenses: LensCache, embedder_digest: str) -> None:
        self._database = database
        self._clock = clock
        self._lenses = lenses
        self._embedder_digest = embedder_digest
        self._turns = Turns("daily reports", clock)

    def run_once(self) -> int:
        """Make the reports that are missing; returns how many there were."""
        day = bucket_start(self._clock.now(), int(DAY.total_seconds())) - DAY
        with self._database.reading() as session:
            names = [each.name for each in versions.generators(session)]
        return self._turns.take(names, partial(self._make, day))

    def _make(self, day: datetime, generator: str) -> bool:
        with self._database.reading() as session:
            if daily_reports.exists(session, generator, day):
                return False
            report = self._report(session, generator, day)
        if report is None:
            return False
        with self._database.transaction() as session:
            document = report.model_dump(mode="json")
            daily_reports.add(session, generator, day, report.version, document, self._clock.now())
        return True

    def _report(self, session: Session, generator: str, day: datetime) -> DailyReport | None:
        """None of a day on which nothing was scored."""
        served = situation(session, generator, self._embedder_digest, day + DAY)
        if served is None:
            return None
        rows = self._rows(session, served, day)
        if not rows:
            return None
        before = [
            report.days[0]
            for stored in daily_reports.page(session, generator, day, _DAYS_SHOWN - 1)
            if stored.version == served.version and (report := _read(stored)) is not None
        ]
        today = self._figures(session, served, day, rows)
        days = [today, *before]
        trends = _trends(days)
        apart = list(self._apart(session, served, day, embed(served.version, rows)))
        return DailyReport(
            generator=generator,
            version=served.version,
            days=days,
            trends=trends,
            apart=apart,
            summary=_summary(today, trends),
        )

    def _figures(self, session: Session, served: Situation, day: datetime, rows: Sequence[Sampled]) -> DayFigures:
        start = max(day, served.since)
        counted = totals.totals(
            session, served.generator, served.version, SERVING_ARM, self._embedder_digest, start, day + DAY
        )
        return DayFigures(
            day=day.date(),
            n=counted.scored,
            alignment=aligned(rows),
            broken_rate=Figure.of(rate_estimate(counted.blank + counted.broken, counted.scored)),
            departure=self._departure(session, served, start, day + DAY),
        )

    def _departure(self, session: Session, served: Situation, start: datetime, end: datetime) -> Departure | None:
        baseline = served.references.own or served.references.previous
        if baseline is None:
            return None
        try:
            return self._through(session, served, baseline, start, end)
        except (LensUnreadable, UnreadableArtifact):
            return None

    def _through(
        self, session: Session, served: Situation, baseline: KnownBaseline, start: datetime, end: datetime
    ) -> Departure | None:
        lens = self._lenses.get(session, baseline)
        stored = sketches.sketches(session, served.generator, served.version, SERVING_ARM, baseline.id, start, end)
        if not stored:
            return None
        whole = [Bucket(start, Sketch.total([Sketch.from_bytes(payload) for _, payload in stored]))]
        found = scan(lens, whole, alpha=_LEVEL, width=DAY, longest=DAY)
        return Departure(
            baseline=baseline.name,
            reason=found.reason.value,
            summary=found.summary,
            effect=found.effect,
            p_value=found.p_value,
            prompts_moved=prompt_drift(lens, whole, alpha=_LEVEL, width=DAY, longest=DAY).effect,
        )

    def _apart(self, session: Session, served: Situation, day: datetime, today: Embedded) -> Iterator[DaysApart]:
        for days in _HELD_AGAINST:
            earlier = embed(served.version, self._rows(session, served, day - days * DAY))
            found = {each.of: each.figure for each in distances(earlier, today) if each.name == "cmmd"}
            if found:
                yield DaysApart(days=days, images=found[Space.IMAGES], prompts=found[Space.PROMPTS])

    def _rows(self, session: Session, served: Situation, day: datetime) -> list[Sampled]:
        return comparisons.sampled(
            session,
            served.generator,
            served.version,
            day,
            day + DAY,
            arms=(SERVING_ARM,),
            embedder_digest=self._embedder_digest,
            limit=SAMPLED,
        )


def _trends(days: Sequence[DayFigures]) -> list[DayTrend]:
    """Of the days given, the newest first."""
    told = {
        "alignment": [(each.day.toordinal(), each.alignment.value) for each in days],
        "broken_rate": [(each.day.toordinal(), each.broken_rate.value) for each in days],
        "departure": [(each.day.toordinal(), each.departure.effect if each.departure else None) for each in days],
    }
    found = []
    for metric, values in told.items():
        known = [(float(day), value) for day, value in reversed(values) if value is not None]
        one = trend([day for day, _ in known], [value for _, value in known])
        found.append(
            DayTrend.model_validate(
                {"metric": metric, "slope": Figure.of(one.slope), "p_value": one.p_value, "steady": one.steady}
            )
        )
    return found


def _summary(today: DayFigures, trends: Sequence[DayTrend]) -> str:
    moving = [
        f"{each.metric.replace('_', ' ')} moves by {each.slope.value:+.2g} a day"
        for each in trends
        if each.steady and each.slope.value is not None
    ]
    if moving:
        return f"Over the last days {' and '.join(moving)}: too steady to be chance."
    departure = today.departure
    if departure is not None and departure.p_value is not None and departure.p_value < _LEVEL:
        return f"The day departs from the baseline. {departure.summary}"
    return "Nothing moves from day to day beyond chance, as far as so many days and images can tell."


def _read(stored: StoredReport) -> DailyReport | None:
    """None for a report of another release."""
    try:
        return DailyReport.model_validate(stored.document)
    except ValueError:
        _log.warning("the report of %s of %s cannot be read and is passed over", stored.day.date(), stored.generator)
        return None
