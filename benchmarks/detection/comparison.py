"""What the delays say: who is first on each regression, who is blind, who takes a harmless change for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.detection.capped import Unanswered
from benchmarks.detection.power import LENS, RFF, Answers
from benchmarks.detection.streams import Delays
from benchmarks.detection.table import Table, median, spoken
from benchmarks.detection.world import HARMLESS, HEALTHY, REGRESSIONS, Scenario

_MIXED = "another prompt mix and 2 % broken"
_MIX = "another prompt mix"
_BLIND = 0.5
_RATIOS = (
    ("all images shifted by .02", 1.5),
    ("2 % broken", 2.0),
    ("2 % collapsed", 5.0),
)
_LIMITS = (("2 % given to the wrong prompt", 1000.0), (_MIXED, 1000.0))


def power_tables(found: dict[str, Answers], notes: Sequence[str] = ()) -> list[Table]:
    return [_power(found, notes), _harmless(found), _targets(found)]


def answers_in(values: Mapping[str, Mapping[str, list[float | None] | str]]) -> dict[str, Answers]:
    """What the values of a table of power stand for, by detector."""
    return {name: {change: _answered(each) for change, each in answers.items()} for name, answers in values.items()}


def _answered(values: list[float | None] | str) -> Delays | Unanswered:
    if isinstance(values, str):
        return Unanswered(values)
    return np.array([np.inf if each is None else each for each in values])


def _power(found: dict[str, Answers], notes: Sequence[str]) -> Table:
    return Table(
        "Power at one false alarm in 30 days: generations from the change to the alarm",
        ["regression", *found],
        [[change.name, *(_cell(answers, change) for answers in found.values())] for change in REGRESSIONS],
        [
            "Medians over streams of a day (288 ticks of 5 minutes, 100 generations each), from the change on.",
            "In brackets the share of streams that alarmed, where not all did.",
            "The lens keeps its budget by its own arithmetic. CLIPScore and RFF-MMD are given an oracle's thresholds.",
            "CLIPScore looks at falls only, in all our windows. RFF-MMD, joint: of prompt and image together.",
            "The others are asked once an hour, for eight hours, at thresholds that err in their favour.",
            "`~`: this detector alarms at the prompt mix alone, so its alarm says nothing of the broken images.",
            *notes,
        ],
        {name: {change: _values(delays) for change, delays in answers.items()} for name, answers in found.items()},
    )


def _harmless(found: dict[str, Answers]) -> Table:
    return Table(
        "Changes that are no fault: generations to a false alarm",
        ["change", *found],
        [[change.name, *(_cell(answers, change) for answers in found.values())] for change in (HEALTHY, *HARMLESS)],
        ["Every entry is a false alarm. Streams are as long as above."],
    )


def _targets(found: dict[str, Answers]) -> Table:
    delays = {name: _delays(found[LENS][name]) for name in (change.name for change in REGRESSIONS)}
    first = [change.name for change in REGRESSIONS if _is_first(found, change)]
    blind = [name for name, each in delays.items() if np.isfinite(each).mean() < _BLIND]
    alarms = [change.name for change in (HEALTHY, *HARMLESS) if np.isfinite(_delays(found[LENS][change.name])).any()]
    late = sorted(set(delays) - set(first))
    rows = [
        _row("shortest delay", f">= 9 of {len(delays)}", f"{len(first)} of {len(delays)}", len(first) >= 9, late),
        _row("blind", "on none", f"on {len(blind)}", not blind, blind),
        _row("harmless changes with an alarm within a day", "0", str(len(alarms)), not alarms, alarms),
    ]
    rff = found[RFF]
    for name, times in _RATIOS:
        ratio = median(_delays(rff[name])) / median(delays[name])
        rows.append(_row(f"{name}: times faster than {RFF}", f">= {times:g}", f"{ratio:.1f}", ratio >= times))
    for name, limit in _LIMITS:
        delay = median(delays[name])
        rows.append(_row(f"{name}: generations", f"<= {limit:,.0f}", f"{delay:,.0f}", delay <= limit))
    return Table("Targets of power", ["goal", "target", "measured", "met"], rows)


def _is_first(found: dict[str, Answers], change: Scenario) -> bool:
    """No later than any peer that tells the regression from a harmless change."""
    rivals = [answers for name, answers in found.items() if name != LENS and not _deluded(answers, change)]
    ours = median(_delays(found[LENS][change.name]))
    return np.isfinite(ours) and all(ours <= median(_delays(answers[change.name])) for answers in rivals)


def _deluded(answers: Answers, change: Scenario) -> bool:
    return change.name == _MIXED and bool(np.isfinite(_delays(answers[_MIX])).mean() >= _BLIND)


def _cell(answers: Answers, change: Scenario) -> str:
    found = answers[change.name]
    if isinstance(found, Unanswered):
        return found.why
    return ("~" if _deluded(answers, change) else "") + spoken(found)


def _delays(found: Delays | Unanswered) -> Delays:
    """One that could not answer never alarmed."""
    return np.array([np.inf]) if isinstance(found, Unanswered) else found


def _values(found: Delays | Unanswered) -> list[float | None] | str:
    if isinstance(found, Unanswered):
        return found.why
    return [float(each) if np.isfinite(each) else None for each in found]


def _row(goal: str, target: str, measured: str, met: bool, named: Sequence[str] = ()) -> list[str]:
    return [goal, target, measured + (f" ({'; '.join(named)})" if named else ""), "yes" if met else "NO"]
