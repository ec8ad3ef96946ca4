from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Report = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def drift_report() -> Report:
    from monitors.scalar_report import drift_report

    return drift_report


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_small_p_value_means_drift_and_a_large_one_none(drift_report: Report, rng: np.random.Generator) -> None:
    report = drift_report(
        {"alignment": rng.normal(-1, 1, 300), "sharpness": rng.normal(0, 1, 200)},
        {"alignment": rng.normal(0, 1, 500), "sharpness": rng.normal(0, 1, 500)},
    )
    down, same = report["columns"]["alignment"], report["columns"]["sharpness"]
    assert (down["outcome"], same["outcome"]) == ("drift", "no_drift")
    assert down["p_value"] < 0.01 < same["p_value"]
    assert (down["current"]["n"], same["current"]["n"], same["reference"]["n"]) == (300, 200, 500)
    assert down["current"]["mean"] < down["reference"]["mean"]
    statuses = {test["name"]: test["status"] for test in report["evidently"]["tests"]}
    assert statuses["Value Drift for column alignment"] == "FAIL"
    assert statuses["Value Drift for column sharpness"] == "SUCCESS"


@pytest.mark.parametrize(
    ("current", "reference", "reason"),
    [
        ([1.0, 2.0], list(range(50)), "at least 30"),
        (list(range(50)), [], "reference has 0 values"),
        ([float("inf"), *range(50)], list(range(50)), "not finite"),
        (list(range(50)), [float("nan"), *range(50)], "not finite"),
        ([1.0] * 50, [1.0] * 50, "constant"),
    ],
)
def test_figures_that_would_mean_nothing_are_inconclusive(
    drift_report: Report, current: list[float], reference: list[float], reason: str
) -> None:
    report = drift_report({"sharpness": current}, {"sharpness": reference})
    assert report["columns"]["sharpness"]["outcome"] == "inconclusive"
    assert reason in report["columns"]["sharpness"]["reason"]
    assert report["evidently"] is None


def test_a_signal_that_only_one_side_has_is_inconclusive(drift_report: Report, rng: np.random.Generator) -> None:
    report = drift_report({"new": rng.normal(size=50), "both": rng.normal(size=50)}, {"both": rng.normal(size=50)})
    assert report["columns"]["new"]["outcome"] == "inconclusive"
    assert report["columns"]["both"]["outcome"] == "no_drift"


def test_the_report_is_json_and_says_which_way_its_method_points(
    drift_report: Report, rng: np.random.Generator
) -> None:
    report = drift_report({"a": rng.normal(size=50)}, {"a": rng.normal(size=50)})
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["drift_when"] == "p_value < 0.01"


@pytest.mark.usefixtures("drift_report")
def test_nobody_is_told_of_the_use() -> None:
    assert os.environ["DO_NOT_TRACK"] == "1"
