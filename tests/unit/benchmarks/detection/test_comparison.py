"""Who wins is decided from delays alone, and a detector that is always wrong wins nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.detection import results
from benchmarks.detection.capped import Unanswered
from benchmarks.detection.comparison import answers_in, power_tables
from benchmarks.detection.power import LENS, RFF, Answers
from benchmarks.detection.streams import Delays
from benchmarks.detection.table import Table, median, spoken
from benchmarks.detection.world import HARMLESS, HEALTHY, REGRESSIONS

NEVER = np.full(3, np.inf)


def answers(regressions: float, harmless: float = np.inf) -> dict[str, Delays | Unanswered]:
    found: dict[str, Delays | Unanswered] = {each.name: np.full(3, regressions) for each in REGRESSIONS}
    return found | {each.name: np.full(3, harmless) for each in (HEALTHY, *HARMLESS)}


def target(found: dict[str, Answers], goal: str) -> list[str]:
    [row] = [row for row in power_tables(found)[-1].rows if row[0].startswith(goal)]
    return list(row)


def test_the_later_of_two_middle_delays_is_the_median() -> None:
    assert median(np.array([100.0, 300.0, np.inf, 200.0])) == 300.0
    assert spoken(NEVER) == "none"
    assert spoken(np.array([100.0, 200.0, np.inf])) == "200 (67%)"
    assert spoken(np.array([100.0, np.inf, np.inf])) == "- (33%)"


def test_the_first_wins_and_a_tie_is_no_defeat() -> None:
    assert target({LENS: answers(200), RFF: answers(200)}, "shortest")[2:] == ["11 of 11", "yes"]


def test_what_a_peer_sees_first_is_named() -> None:
    faster = answers(500) | {"2 % broken": np.full(3, 100.0)}
    goal = target({LENS: answers(200), RFF: faster}, "shortest")
    assert goal[2:] == ["10 of 11 (2 % broken)", "yes"]
    assert target({LENS: answers(600), RFF: faster}, "shortest")[3] == "NO"


def test_a_detector_that_alarms_at_the_mix_does_not_win_by_it() -> None:
    deluded = answers(300, harmless=100) | {"another prompt mix and 2 % broken": np.full(3, 100.0)}
    found: dict[str, Answers] = {LENS: answers(200), RFF: deluded}
    assert target(found, "shortest")[2] == "11 of 11"
    assert any("~100" in row for row in power_tables(found)[0].rows)


def test_blindness_and_false_alarms_are_misses() -> None:
    blind = answers(200, harmless=400) | {"2 % collapsed": NEVER}
    found: dict[str, Answers] = {LENS: blind, RFF: answers(300)}
    assert target(found, "blind")[2:] == ["on 1 (2 % collapsed)", "NO"]
    assert target(found, "harmless")[3] == "NO"


def test_a_peer_that_could_not_answer_is_shown_with_its_reason() -> None:
    capped: Answers = dict.fromkeys(answers(0), Unanswered("over 120 s"))
    found: dict[str, Answers] = {LENS: answers(200), RFF: answers(300), "slow": capped}
    assert all(row[-1] == "over 120 s" for row in power_tables(found)[0].rows)
    assert target(found, "shortest")[2] == "11 of 11"


def test_answers_are_read_back_from_what_was_kept_of_them(tmp_path: Path) -> None:
    found: dict[str, Answers] = {
        LENS: answers(200) | {"2 % broken": np.array([100.0, np.inf, 300.0])},
        RFF: dict.fromkeys(answers(0), Unanswered("over 120 s")),
    }
    results.keep("power", power_tables(found), "on a machine.", tmp_path)
    earlier = results.kept("power", tmp_path)
    assert earlier is not None
    again = answers_in(earlier["tables"][0]["values"])
    assert power_tables(again) == power_tables(found)
    assert results.kept("cost", tmp_path) is None


def test_results_of_other_studies_are_kept(tmp_path: Path) -> None:
    first, second = Table("First", ["a"], [["1"]], ["a note"], {"x": 1}), Table("Second", ["b"], [["2"]])
    results.keep("power", [first], "on a machine.", tmp_path)
    results.keep("cost", [second], "on another.", tmp_path)
    results.keep("power", [first, first], "on a third.", tmp_path)
    page = (tmp_path / "detection.md").read_text()
    assert page.count("## First") == 2
    assert page.count("## Second") == 1
    assert "on a machine" not in page
    assert "- a note" in page
    assert json.loads((tmp_path / "detection.json").read_text())["power"]["tables"][0]["values"] == {"x": 1}
