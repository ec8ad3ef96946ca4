"""Evidently's data drift report of the scalar signals: evidence for people, kept with an incident, never an alarm.

The only file that knows Evidently. Importing it takes seconds, so import it where a report is wanted and no earlier.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitors.verdict import Json

os.environ["DO_NOT_TRACK"] = "1"  # Evidently reads it at import, and reports its use to its makers otherwise

with warnings.catch_warnings():
    # Evidently 0.7 patches numpy.core and builds on deprecated parts of litestar; neither is ours to mend.
    warnings.simplefilter("ignore", DeprecationWarning)
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

MIN_ROWS = 30
_METHOD = "ks"  # its value is a p-value: small means drift. Distances such as "psi" point the other way.
_THRESHOLD = 0.01

Columns = Mapping[str, "NDArray[np.floating] | Sequence[float]"]


def drift_report(current: Columns, reference: Columns) -> dict[str, Json]:
    """Compare each scalar's distribution with the reference's (two-sample Kolmogorov-Smirnov).

    Each column is answered "drift", "no_drift" or, where Evidently would give a figure that means nothing (too few
    rows, values that are not finite, a column missing on one side or constant on both), "inconclusive" with the reason.
    The whole of Evidently's own report is under "evidently", None if no column could be compared.
    """
    answers: dict[str, Json] = {}
    comparable: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for name in sorted({*current, *reference}):
        pair = (_column(current, name), _column(reference, name))
        problem = _problem(*pair)
        if problem is None:
            comparable[name] = pair
        else:
            answers[name] = {"outcome": "inconclusive", "reason": problem}
    report = _run(comparable) if comparable else None
    for metric in report["metrics"] if report else []:
        name = metric["config"].get("column")
        if name is not None:
            now, before = comparable[name]
            answers[name] = {
                "outcome": "drift" if metric["value"] < _THRESHOLD else "no_drift",
                "p_value": metric["value"],
                "current": _described(now),
                "reference": _described(before),
            }
    return {"method": _METHOD, "drift_when": f"p_value < {_THRESHOLD}", "columns": answers, "evidently": report}


def _column(columns: Columns, name: str) -> NDArray[np.float64]:
    return np.asarray(columns.get(name, ()), dtype=np.float64).ravel()


def _problem(current: NDArray[np.float64], reference: NDArray[np.float64]) -> str | None:
    for side, values in (("current", current), ("reference", reference)):
        if len(values) < MIN_ROWS:
            return f"{side} has {len(values)} values; at least {MIN_ROWS} are needed"
        if not np.isfinite(values).all():
            return f"{side} has {int((~np.isfinite(values)).sum())} values that are not finite"
    if np.ptp(current) == 0 and np.ptp(reference) == 0:
        return "constant on both sides"
    return None


def _described(values: NDArray[np.float64]) -> dict[str, Json]:
    low, median, high = (float(q) for q in np.quantile(values, (0.05, 0.5, 0.95)))
    return {"n": len(values), "mean": float(values.mean()), "p05": low, "median": median, "p95": high}


# Columns of different lengths end up padded with NaN in one table, which Evidently leaves out column by column.
def _run(columns: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> dict[str, Any]:
    definition = DataDefinition(numerical_columns=list(columns))
    current, reference = (
        Dataset.from_pandas(
            pd.DataFrame({name: pd.Series(pair[side]) for name, pair in columns.items()}), data_definition=definition
        )
        for side in (0, 1)
    )
    preset = DataDriftPreset(num_method=_METHOD, num_threshold=_THRESHOLD)
    report: dict[str, Any] = json.loads(Report([preset], include_tests=True).run(current, reference).json())
    return report
