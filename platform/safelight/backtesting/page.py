"""A backtest's report as a page."""

from datetime import datetime

from safelight.backtesting.report import AlarmReport, BacktestReport
from safelight.handouts.chart import Sighting, chart, span
from safelight.handouts.page import render


def page(report: BacktestReport) -> str:
    """One HTML file that holds everything it shows."""
    drawn = chart([Sighting(point.at, point.version, point.alignment, point.n) for point in report.series])

    def stretches(alarms: list[AlarmReport]) -> list[object]:
        return [span(each.raised_at, each.last_at, drawn) for each in alarms]

    fitted: datetime = report.fit_until
    return render(
        "backtest.html",
        report=report,
        chart=drawn,
        fit=span(report.start, fitted, drawn),
        alarm_spans=stretches(report.alarms),
        drift_spans=stretches(report.prompt_drifts),
    )
