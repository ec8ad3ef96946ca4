"""The tests that one window of generations is put to, as functions of a lens and a sketch.

Two sizes go into each. *Independent generations* are the window's, reduced by the repeats of prompts (Kish's design
effect). *Reference generations* are the baseline's, reduced to the clusters that the traffic actually falls into: they
say how far the baseline itself may be off, and every test allows for that much before it finds anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from monitors.calibration import TAILS
from monitors.lens import Lens
from monitors.sample import ALIGNMENT, Direction
from monitors.sketch import Sketch
from monitors.verdict import Json, Reason

_REFERENCE_RISK = 1e-3  # chance that a baseline's own error lies beyond what is allowed for
_MATERIAL_EFFECT = 0.2  # standard deviations of a conditional scalar: less is no regression anybody would see
_MATERIAL_RATE = 0.005  # share of generations in a worse tail, likewise
_SIGNALS_SHOWN = 5


@dataclass(frozen=True)
class Outcome:
    """A test's p-value, what it would mean, the effect's size and the size that is allowed for."""

    p_value: float
    reason: Reason
    effect: float
    allowance: float
    evidence: dict[str, Json]


def independent_size(lens: Lens, sketch: Sketch) -> float:
    return sketch.judged / (1.0 + lens.calibration.repeat_correlation * (sketch.repeat_moment() - 1.0))


def reference_size(lens: Lens, cluster_counts: NDArray[np.int64]) -> float:
    """One over the variance of the expectation: of the clusters' own means, weighted by the squared shares of traffic
    less what sampling alone adds to them. At most the whole baseline.

    Where traffic has moved between clusters it will have moved as much inside them, unseen by any count, so the size is
    reduced by that share once more. How much that takes was found by simulation, not derived.
    """
    n = max(1, int(cluster_counts.sum()))
    share = cluster_counts / n
    own = np.maximum(share**2 - share / n, 0.0) / np.maximum(lens.calibration.cluster_sizes, 1.0)
    variance = max(float(own.sum()), 1.0 / lens.calibration.size)
    return 1.0 / (variance * (1.0 + moved_share(lens, cluster_counts)))


def moved_share(lens: Lens, cluster_counts: NDArray[np.int64]) -> float:
    """The share of traffic in other clusters than at the baseline: total variation, less what sampling alone gives."""
    usual = lens.calibration.cluster_counts
    n, baseline = max(1, int(cluster_counts.sum())), int(usual.sum())
    share = usual / baseline
    sampling = np.sqrt(2.0 / np.pi * share * (1.0 - share) * (1.0 / n + 1.0 / baseline))
    distance = np.abs(cluster_counts / n - share)
    return max(0.0, float((distance - sampling).sum() / 2.0))


def detectable_effect(lens: Lens, independent: float, reference: float, alpha: float) -> float:
    """The mean departure, in standard deviations (Mahalanobis), that the mean test finds with even odds."""
    features = len(lens.feature_names)
    critical = stats.ncx2.isf(alpha / 2.0, features, independent * _squared_error(features, reference))
    return float(np.sqrt(max(critical - features, 0.0) / independent))


def mean_change(lens: Lens, sketch: Sketch, independent: float, reference: float) -> Outcome:
    """n d' S^-1 d of the features' departure d, against a noncentral chi-square whose noncentrality is a deadband: the
    most by which the baseline's sampling error may have moved it."""
    calibration = lens.calibration
    features = len(lens.feature_names)
    departure = sketch.feature_sums / sketch.judged - calibration.feature_mean
    squared = float(((calibration.whitener @ departure) ** 2).sum())
    deadband = _squared_error(features, reference)
    p_value = float(stats.ncx2.sf(independent * squared, features, independent * deadband))
    return Outcome(
        min(1.0, 2.0 * p_value),  # doubled: at the smallest windows the chi-square's tail is a little too thin
        Reason.CONDITIONAL_DRIFT,
        float(np.sqrt(max(squared - features / independent, 0.0))),
        float(np.sqrt(deadband)),
        {"signals": _strongest(lens.feature_names, departure / calibration.feature_deviation)},
    )


def directed_decline(lens: Lens, sketch: Sketch, independent: float, reference: float) -> Outcome:
    """One-sided t-tests of each scalar that has a worse side, beyond the reference error and a material effect.

    Raises ValueError where no scalar has one.
    """
    directed = [i for i, scalar in enumerate(lens.scalars) if scalar.worse is not Direction.NEITHER]
    if not directed:
        raise ValueError("the lens has no scalar with a worse direction: nothing could be found worse")
    mean = sketch.directed_sums[directed] / sketch.judged
    variance = np.maximum(sketch.directed_squares[directed] / sketch.judged - mean**2, 0.0)
    usual = np.maximum(lens.calibration.directed_deviation[directed], 1e-6)
    allowance = _MATERIAL_EFFECT + float(stats.norm.isf(_REFERENCE_RISK / len(directed))) / np.sqrt(reference)
    spread = np.maximum(np.sqrt(variance), 0.1 * usual)
    p_values = stats.t.sf((mean - allowance * usual) / spread * np.sqrt(independent), df=independent - 1.0)
    worst = int(p_values.argmin())
    names = [lens.scalars[i].name for i in directed]
    return Outcome(
        min(1.0, len(directed) * float(p_values[worst])),
        Reason.ALIGNMENT_DOWN if names[worst] == ALIGNMENT else Reason.SIGNAL_WORSE,
        float(mean[worst] / usual[worst]),
        float(allowance),
        {"signals": _strongest(names, mean / usual)},
    )


def tail_excess(lens: Lens, sketch: Sketch, independent: float, reference: float, *, worse_only: bool) -> Outcome:
    """Exact binomial tests of how many generations lie in each tail of each scalar, against the upper confidence limit
    of the baseline's rate; of the worse tails only, and beyond a material share, where only worse is asked for."""
    worse = [_is_worse(scalar.worse, tail) for tail in TAILS for scalar in lens.scalars]
    tested = np.flatnonzero(worse) if worse_only else np.arange(len(worse))
    expected = sketch.expected_tails[tested] / sketch.judged
    limit = np.minimum(_upper_rates(expected, reference) + (_MATERIAL_RATE if worse_only else 0.0), 1.0)
    observed = sketch.tail_counts[tested] / sketch.judged
    p_values = stats.binom.sf(np.floor(observed * independent) - 1, np.ceil(independent), limit)
    worst = int(p_values.argmin())
    return Outcome(
        min(1.0, len(tested) * float(p_values[worst])),
        Reason.TAIL_EXCESS,
        float(observed[worst] - expected[worst]),
        float(limit[worst] - expected[worst]),
        {
            "tail": lens.tail_names[tested[worst]],
            "observed": float(observed[worst]),
            "expected": float(expected[worst]),
            "limit": float(limit[worst]),
        },
    )


def _squared_error(features: int, reference: float) -> float:
    """The squared Mahalanobis error of the baseline's mean that is exceeded with a chance of _REFERENCE_RISK."""
    inflation = reference / max(reference - features - 1.0, 1.0)  # of the inverse of an estimated covariance
    return float(stats.chi2.isf(_REFERENCE_RISK, features) / reference * inflation)


def _upper_rates(rates: NDArray[np.float64], reference: float) -> NDArray[np.float64]:
    """Garwood's upper limit of a Poisson rate of which `rates * reference` cases were counted."""
    return np.asarray(special.gammaincinv(rates * reference + 1.0, 1.0 - _REFERENCE_RISK) / reference)


def _is_worse(direction: Direction, tail: str) -> bool:
    return direction is not Direction.NEITHER and tail.endswith(direction.value)


def _strongest(names: Sequence[str], scores: NDArray[np.float64]) -> list[Json]:
    order = np.argsort(-np.abs(scores))[:_SIGNALS_SHOWN]
    return [{"signal": names[i], "deviations": round(float(scores[i]), 4)} for i in order]
