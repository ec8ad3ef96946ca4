"""A backtest from a gathered stream to its report."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version as installed

import numpy as np

from monitors.budget import MONTH
from monitors.verdict import Health
from safelight.backtesting.alarms import Answer, alarms
from safelight.backtesting.evidence import Explainer
from safelight.backtesting.fitting import fit
from safelight.backtesting.gathering import Stream
from safelight.backtesting.recording import milliseconds, moment
from safelight.backtesting.replay import DRIFT, MIX, Replay, Sight, budgets, kind, pace
from safelight.backtesting.report import BacktestReport, Point, SliceSight
from safelight.backtesting.traits import Traits
from safelight.errors import Kind, SafelightError
from safelight.settings import WatchingSettings
from safelight.watching.monitors import defaults, parse

_EARLY = 1 / 3
_POINTS = 240


@dataclass(frozen=True)
class Origin:
    """Where a stream comes from, and what was left out of it."""

    source: str
    times_made_up: bool
    not_served: int
    rejected: Mapping[str, int]


def early_days(stream: Stream) -> datetime:
    """Where the first third of the time ends: what is fitted on, unless somebody knows better."""
    at = stream.column("at")
    return moment(int(at[0] + (at[-1] - at[0]) * _EARLY))


def backtest(
    stream: Stream,
    origin: Origin,
    settings: WatchingSettings,
    fit_until: datetime,
    now: datetime,
    progress: Callable[[int, int], None],
) -> BacktestReport:
    """Fit, replay and explain. `progress` is told of generations replayed, and how many there are.

    Raises SafelightError `baseline_too_small`, and `nothing_to_replay` where nothing is left after the early days.
    """
    at = stream.column("at").astype(np.int64)
    later = int((at >= milliseconds(fit_until)).sum())
    if not later:
        raise SafelightError(
            Kind.INVALID, "nothing_to_replay", f"Nothing was made after {fit_until:%Y-%m-%d %H:%M} UTC. Fit on less."
        )
    traits = Traits(stream, settings.slices, settings.most_slices)
    fitted = fit(stream, traits, fit_until)
    length = moment(int(at[-1])) - fit_until
    width = pace(length, timedelta(seconds=settings.bucket_seconds))
    documents = [parse(each.document) for each in defaults("", now)]
    levels = budgets(documents, width, settings.false_alarms_per_month)
    replay = Replay(stream, traits, fitted, fit_until, levels)
    ticks = list(replay.run(lambda done: progress(done, later)))
    answers = [answer for tick in ticks for answer in tick.answers]
    explainer = Explainer(stream, traits, fitted, fit_until)
    quiet = DRIFT.longest
    return BacktestReport(
        safelight=installed("safelight"),
        source=origin.source,
        embedder_digest=stream.recording.embedder_digest,
        made_at=now,
        start=moment(int(at[0])),
        end=moment(int(at[-1])),
        times_made_up=origin.times_made_up,
        generations=len(stream),
        blank=int(stream.column("blank").sum()),
        not_served=origin.not_served,
        rejected=dict(origin.rejected),
        fit_until=fit_until,
        fitted_on=fitted.n,
        versions=[int(each) for each in np.unique(stream.column("version"))],
        width_seconds=width.total_seconds(),
        ticks=len(ticks),
        days_replayed=length / timedelta(days=1),
        false_alarms_per_month=levels.false_alarms_per_month,
        false_alarms_expected=levels.false_alarms_per_month * (length / MONTH),
        answers=_healths(answers),
        undecided=_undecided(answers),
        alarms=[explainer.explain(each, images=True) for each in alarms((a for a in answers if a.alarmed), quiet)],
        prompt_drifts=[
            explainer.explain(each, images=False) for each in alarms((a for a in answers if a.drifted), quiet)
        ],
        sights=_median_sights([sight for tick in ticks for sight in tick.sights]),
        series=_series(stream),
    )


def _healths(answers: Sequence[Answer]) -> dict[str, dict[Health, int]]:
    counts: dict[str, Counter[Health]] = defaultdict(Counter)
    for answer in answers:
        counts[answer.monitor][answer.verdict.health] += 1
    return {monitor: dict(found) for monitor, found in counts.items()}


def _undecided(answers: Sequence[Answer]) -> dict[str, int]:
    asked = [each for each in answers if each.monitor != kind(MIX)]
    return dict(Counter(e.verdict.reason.value for e in asked if e.verdict.health is Health.INCONCLUSIVE))


def _median_sights(sights: Sequence[Sight]) -> list[SliceSight]:
    groups: dict[tuple[str, timedelta], list[Sight]] = defaultdict(list)
    for each in sights:
        groups[each.slice, each.window].append(each)
    return [
        SliceSight(
            slice=name,
            window_seconds=window.total_seconds(),
            n=int(np.median([each.n for each in group])),
            effect=float(np.median([each.visible.effect for each in group])),
            broken_share=_median_share([each.visible.broken_share for each in group]),
        )
        for (name, window), group in sorted(groups.items())
    ]


def _median_share(shares: Sequence[float | None]) -> float | None:
    """Where nothing short of everything would be seen, everything it is, and more."""
    middle = float(np.median([np.inf if share is None else share for share in shares]))
    return middle if np.isfinite(middle) else None


def _series(stream: Stream) -> list[Point]:
    at = stream.column("at").astype(np.int64)
    version, blank = stream.column("version"), stream.column("blank").astype(bool)
    alignment = stream.recording.records["scalars"][stream.order, 0]
    step = max(1, int(at[-1] - at[0]) // _POINTS + 1)
    points = []
    for place in np.unique((at - at[0]) // step):
        inside = (at - at[0]) // step == place
        for number in np.unique(version[inside]):
            rows = inside & (version == number)
            seen = alignment[rows & ~blank]
            points.append(
                Point(
                    at=moment(int(at[0] + place * step)),
                    version=int(number),
                    n=int(rows.sum()),
                    alignment=float(seen.mean()) if len(seen) else None,
                    blank=int(blank[rows].sum()),
                )
            )
    return points
