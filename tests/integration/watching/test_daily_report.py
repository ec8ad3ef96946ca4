"""The daily report through a baseline's lens: a day that departs, and one that does not."""

from safelight.comparing.daily import DAY, DailyReporter
from safelight.comparing.documents import DailyReport, Departure
from safelight.store import daily_reports
from tests.integration.watching.conftest import World


def _day(world: World, fidelity: float) -> Departure:
    """A quarter of an hour of traffic, and the report of its day."""
    for _ in range(3):
        world.log(200, fidelity=fidelity)
        world.clock.advance(300)
    while world.scorer.run_once():
        pass
    world.clock.advance(DAY.total_seconds() - 900)
    reporter = DailyReporter(world.database, world.clock, world.lenses, world.embedder.digest)
    assert reporter.run_once() == 1
    with world.database.reading() as session:
        newest = daily_reports.page(session, "studio", limit=1)[0]
    departure = DailyReport.model_validate(newest.document).days[0].departure
    assert departure is not None
    return departure


def test_a_day_is_held_against_the_baseline(world: World) -> None:
    usual = _day(world, 0.9)
    assert (usual.baseline, usual.reason) == ("first", "within_budget")
    assert usual.prompts_moved is not None
    assert usual.prompts_moved < 0.2
    worse = _day(world, 0.7)
    assert worse.p_value is not None
    assert worse.p_value < 0.01
    assert worse.reason != "within_budget"
