"""The daily report, from stored days to the row that is read by people."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from registry.ledger import Draft, EntryKind
from safelight.clock import ManualClock
from safelight.comparing.daily import DAY, DailyReporter
from safelight.comparing.documents import DailyReport
from safelight.store import daily_reports, ledger, versions
from safelight.store.daily_reports import StoredReport
from safelight.store.database import Database, Session
from safelight.watching.lenses import LensCache
from safelight.watching.situation import Situation, situation
from tests.integration.comparing.conftest import EMBEDDER, NOON, Serve


class World:
    """Version 1 serves; days pass."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(NOON)
        self._reporter = DailyReporter(database, self.clock, LensCache(), EMBEDDER)

    def next_day(self) -> int:
        self.clock.advance(DAY.total_seconds())
        return self._reporter.run_once()

    def reports(self) -> list[StoredReport]:
        with self.database.reading() as session:
            return daily_reports.page(session, "portraits")

    def newest(self) -> DailyReport:
        return DailyReport.model_validate(self.reports()[0].document)


@pytest.fixture
def world(registered: Database) -> World:
    draft = Draft(
        generator="portraits",
        scope="default",
        kind=EntryKind.PROMOTE,
        from_version=None,
        to_version=1,
        to_digest="sha256:b1",
        actor="anna",
        reason="",
    )
    with registered.transaction() as session:
        ledger.add(session, draft, NOON - DAY)
    return World(registered)


def test_each_day_is_reported_once_and_shows_those_before_it(world: World, serve: Serve) -> None:
    serve(1, 250)
    assert world.next_day() == 1
    serve(1, 250, at=world.clock.now())
    assert world.next_day() == 1
    assert world.next_day() == 0, "nothing was served on the third day"
    newest = world.newest()
    assert [each.day for each in newest.days] == [(NOON + DAY).date(), NOON.date()]
    assert [each.n for each in newest.days] == [250, 250]
    (yesterday,) = newest.apart
    assert yesterday.days == 1
    assert yesterday.images.low is not None
    assert yesterday.images.low <= 0.5
    assert newest.days[0].departure is None
    assert [each.p_value for each in newest.trends] == [1.0, 1.0, 1.0]
    assert [report.day for report in world.reports()] == [(NOON + DAY).replace(hour=0), NOON.replace(hour=0)]


def test_a_generator_whose_day_cannot_be_summed_up_keeps_no_other_waiting(
    world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbling(session: Session, generator: str, digest: str, at: datetime) -> Situation | None:
        if generator == "broken":
            raise LookupError("an entry of a kind that nobody knows")
        return situation(session, generator, digest, at)

    with world.database.transaction() as session:
        versions.add_generator(session, "broken", "", NOON)
    monkeypatch.setattr("safelight.comparing.daily.situation", stumbling)
    serve(1, 250)
    assert world.next_day() == 1


def test_a_slow_fall_is_told_that_no_single_day_shows(world: World, serve: Serve) -> None:
    for fidelity in np.linspace(0.9, 0.8, 9):
        serve(1, 120, at=world.clock.now(), fidelity=float(fidelity))
        world.next_day()
    report = world.newest()
    (alignment,) = (each for each in report.trends if each.metric == "alignment")
    assert alignment.steady
    assert alignment.slope.high is not None
    assert alignment.slope.high < 0
    assert "alignment moves by -" in report.summary


def test_a_report_is_kept_once_whoever_makes_it(world: World) -> None:
    with world.database.transaction() as session:
        kept = [
            daily_reports.add(session, "portraits", NOON, 1, {"summary": text}, NOON) for text in ("first", "second")
        ]
    assert kept == [True, False]
    assert [each.document for each in world.reports()] == [{"summary": "first"}]
    with world.database.reading() as session:
        assert daily_reports.page(session, "portraits", before=NOON) == []
        assert daily_reports.page(session, "portraits", before=NOON + timedelta(seconds=1)) == world.reports()
