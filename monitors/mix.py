"""Whether people ask for other things than they did: worth knowing, never a fault of the generator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from scipy import special

from monitors.hypotheses import moved_share
from monitors.lens import Lens
from monitors.sketch import Sketch
from monitors.verdict import Health, Reason, Verdict
from monitors.windows import Bucket, dyadic_windows, spoken

_FEWEST = 100  # prompts: a chi-square over hundreds of clusters needs more than a mean does


def prompt_drift(
    lens: Lens,
    buckets: Sequence[Bucket[Sketch]],
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
) -> Verdict:
    """Compare the cluster counts of each window with the baseline's (two-sample chi-square); healthy either way.

    Repeated prompts make counts lumpy, so both sides count for fewer generations (first-order correction of Rao &
    Scott 1981, a prompt always falling into one cluster).
    """
    findings = []
    most = 0
    for window in dyadic_windows(buckets, width, longest, since, Sketch.total):
        sketch = window.content
        if sketch is None:
            continue
        most = max(most, sketch.n)
        independent = float(sketch.judged / sketch.repeat_moment)
        if independent >= _FEWEST:
            findings.append((_p_value(lens, sketch, independent), window, sketch))
    if not findings:
        summary = f"Only {most} generations so far; at least {_FEWEST} different prompts are needed."
        return Verdict(Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, summary, threshold=alpha, n=most)
    p_value, window, sketch = min(findings, key=lambda finding: (finding[0], finding[1].seconds))
    drifted = p_value < alpha
    moved = moved_share(lens, sketch.cluster_counts)
    asked = f"other things than at the baseline: {moved:.0%} of the mix has moved" if drifted else "the usual things"
    return Verdict(
        Health.HEALTHY,
        Reason.PROMPT_DRIFT if drifted else Reason.WITHIN_BUDGET,
        f"In the last {spoken(window.seconds)} people asked for {asked}.",
        effect=moved,
        p_value=p_value,
        threshold=alpha,
        window_seconds=window.seconds,
        n=sketch.n,
        evidence={"unseen": int(sketch.unseen)},
    )


def _p_value(lens: Lens, sketch: Sketch, independent: float) -> float:
    live = sketch.cluster_counts * (independent / float(sketch.judged))
    usual = lens.calibration.cluster_counts / lens.calibration.repeat_moment
    if len(usual) == 1:
        return 1.0
    table = np.stack([live, usual])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = ((table - expected) ** 2 / expected).sum()
    return float(special.chdtrc(len(usual) - 1, statistic))
