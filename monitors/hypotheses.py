"""The tests that windows of generations are put to, as functions of a lens and a sketch or a stack of them.

A baseline is a sample too. Every test asks how surprising a window is given that *both* the window and the baseline are
drawn at random, so its p-value holds on average over all baselines that might have been drawn, and nothing about a
baseline is ever taken for known. Three more things make generations fewer than they seem, on either side, and enter
every variance: generations of one prompt share the lens's misfit for it; so do those of prompts alike, where traffic
has moved to them; and the clusters that traffic has moved to may have been rare at the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors.lens import Lens
from monitors.moves import LEVERAGE_MARGIN, Moves, doubt_of_requests, doubt_of_unseen, leverages, squared_moves
from monitors.sample import Direction
from monitors.sketch import Sketch
from monitors.verdict import Json

_MATERIAL_EFFECT = 0.2  # standard deviations of a conditional scalar: less is no regression anybody would see
MATERIAL_RATE = 0.005  # share of generations in a worse tail, likewise
_SIGNALS_SHOWN = 5

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sizes:
    """How many independent generations a window [...] and the baseline are worth, in each of several directions
    [..., directions], when it comes to a difference of means between them."""

    independent: Array
    reference: Array

    @cached_property
    def variance(self) -> Array:
        """Of that difference, in units of one generation's."""
        return np.asarray(1.0 / self.independent + 1.0 / self.reference)


@dataclass(frozen=True, eq=False)
class Outcome:
    """For each window: a test's p-value, the effect's size and the size that is allowed for; `which` of several
    statistics decided."""

    p_value: Array
    effect: Array
    allowance: Array
    which: NDArray[np.intp]


def sizes(lens: Lens, sketch: Sketch, repeat: Array, ignorance: Array, doubt: Array | float = 0.0) -> Sizes:
    """For differences in several directions, by their correlation of generations of one prompt, and by the lens's
    squared error per unit of leverage; `doubt` is variance of the expectation besides."""
    known = 1.0 / _reference(lens, sketch, repeat, ignorance)
    return Sizes(_independent(sketch, repeat), np.asarray(1.0 / (known + doubt)))


def independent_size(lens: Lens, sketch: Sketch) -> Array:
    """The window's generations less what repeats add nothing (Kish's design effect), over all features together."""
    return np.asarray(_independent(sketch, lens.calibration.mean_repeat_correlation)[..., 0])


def reference_size(lens: Lens, sketch: Sketch) -> Array:
    """How many generations the baseline is worth for what these ask for, over all features together."""
    calibration = lens.calibration
    return np.asarray(_reference(lens, sketch, calibration.mean_repeat_correlation, calibration.mean_ignorance)[..., 0])


def _independent(sketch: Sketch, repeat: Array) -> Array:
    moment = sketch.repeat_moment[..., None]
    return np.asarray(np.maximum(sketch.judged, 1)[..., None] / (1.0 + repeat * (moment - 1.0)))


def _reference(lens: Lens, sketch: Sketch, repeat: Array, ignorance: Array) -> Array:
    """One over the variance of the expectation: of the overall mean, which rests on all of the baseline; of the
    clusters' departures from it, by the squared share of traffic that has moved to or from each; and of the
    regression, by the leverage of all requests together."""
    calibration = lens.calibration
    overall = (1.0 + repeat * (calibration.repeat_moment - 1.0)) / calibration.size
    squared, sampling = squared_moves(lens, sketch)
    moved = np.maximum(squared - sampling, 0.0)
    clusters = (moved / (calibration.cluster_counts + calibration.shrinkage)).sum(axis=-1)
    leverage, usual = leverages(lens, sketch)
    regression = LEVERAGE_MARGIN * np.maximum(leverage - 2.0 * usual, 0.0)
    return np.asarray(1.0 / (overall + clusters[..., None] + regression[..., None] * ignorance))


def heaviness(features: int, kurtosis: Array) -> Array:
    """One over the degrees of freedom of the multivariate t distribution with this kurtosis, Mardia's (1970) beyond
    that of a normal distribution: below 1 / 4, and 0 for none."""
    return np.asarray(kurtosis / (4.0 * kurtosis + 2.0 * features * (features + 2.0)))


def mean_heaviness(lens: Lens, sketch: Sketch, reference: float) -> float:
    """`heaviness` of the means of one window, compared with a baseline worth so many generations."""
    size = Sizes(_independent(sketch, lens.calibration.repeat_correlation), np.asarray(reference))
    return float(heaviness(len(lens.feature_names), _mean_kurtosis(lens, sketch, size)))


def _mean_kurtosis(lens: Lens, sketch: Sketch, size: Sizes) -> Array:
    """Of a difference of means in units of its standard deviations, were the oddness of images their prompts'.

    As if all that images of one prompt do were scaled by one random factor of that prompt's: what they share, rho of
    their variance, and what they do not. Of m generations the fourth cumulant is then that of one times (rho m^2 +
    (1 - rho) m)^2, and by Minkowski's inequality the root of the sum over prompts is at most rho sqrt(F4) + (1 - rho)
    sqrt(F2): exact where prompts repeat equally often, and where none does. A few favourites decide it.
    """
    repeat, second, fourth = lens.calibration.repeat_correlation, sketch.repeat_moment, sketch.repeat_fourth
    shared, own = ((each / size.variance).mean(axis=-1) for each in (repeat, 1.0 - repeat))
    root = shared * np.sqrt(fourth) + own * np.sqrt(second)
    return np.asarray(lens.calibration.kurtosis * root**2 / np.maximum(sketch.judged, 1.0) ** 3)


def moved_share(lens: Lens, cluster_counts: NDArray[np.int64]) -> float:
    """The share of traffic in other clusters than at the baseline: total variation, less what sampling alone gives."""
    usual = lens.calibration.cluster_counts
    n, baseline = max(1, int(cluster_counts.sum())), int(usual.sum())
    share = usual / baseline
    sampling = np.sqrt(2.0 / np.pi * share * (1.0 - share) * (1.0 / n + 1.0 / baseline))
    distance = np.abs(cluster_counts / n - share)
    return max(0.0, float((distance - sampling).sum() / 2.0))


def detectable_effect(lens: Lens, independent: float, reference: float, alpha: float, heavy: float = 0.0) -> float:
    """The mean departure, in standard deviations (Mahalanobis), that the mean test finds with even odds, in a window
    whose mean is as `heavy` as that."""
    features = len(lens.feature_names)
    freedom = 1.0 / (heavy + 1.0 / max(lens.calibration.size - features, 1))
    critical = features * (1.0 - 2.0 * heavy) * special.fdtri(features, freedom, 1.0 - alpha)
    return float(np.sqrt(max(critical - features, 0.0) * (1.0 / independent + 1.0 / reference)))


def departures(lens: Lens, sketch: Sketch) -> Array:
    """How far each feature's mean lies from the baseline's [..., features]."""
    judged = np.maximum(sketch.judged, 1)[..., None]
    return np.asarray(sketch.feature_sums / judged - lens.calibration.feature_mean)


def mean_change(lens: Lens, sketch: Sketch, *, moves: Moves | None = None) -> Outcome:
    """Hotelling's two-sample test of all features' means, in coordinates whose misfits are uncorrelated.

    A mean of few prompts' images still has kurtosis. It is taken for multivariate t, whose squared length is F
    distributed (Kotz & Nadarajah 2004, sec. 1.7): that has the variance that Box (1954) matches, and the long tail of
    images that are odd all over. A wary look, with `moves`, takes requests that have moved for as good as unknown.
    """
    calibration = lens.calibration
    features = len(lens.feature_names)
    difference = departures(lens, sketch) @ calibration.canonical.T
    repeat, ignorance = calibration.repeat_correlation, calibration.ignorance
    doubt = doubt_of_requests(lens, moves, repeat, ignorance) if moves else 0.0
    size = sizes(lens, sketch, repeat, ignorance, doubt)
    statistic = (difference**2 / size.variance).sum(axis=-1)
    heavy = heaviness(features, _mean_kurtosis(lens, sketch, size))
    freedom = 1.0 / (heavy + 1.0 / max(calibration.size - features, 1))
    p_value = special.fdtrc(features, freedom, statistic / features / (1.0 - 2.0 * heavy))
    squared = (difference**2).sum(axis=-1)
    return Outcome(
        np.asarray(p_value),
        np.sqrt(np.maximum(squared - size.variance.sum(axis=-1), 0.0)),
        np.sqrt((1.0 / size.reference).sum(axis=-1)),
        np.zeros(statistic.shape, np.intp),
    )


def directed_decline(lens: Lens, sketch: Sketch) -> Outcome:
    """One-sided t-tests of each scalar that has a worse side, beyond a material effect.

    Raises ValueError where no scalar has one.
    """
    directed = directed_scalars(lens)
    if not directed:
        raise ValueError("the lens has no scalar with a worse direction: nothing could be found worse")
    calibration = lens.calibration
    judged = np.maximum(sketch.judged, 1)[..., None]
    mean = sketch.directed_sums[..., directed] / judged
    usual = np.maximum(calibration.directed_deviation[directed], 1e-6)
    spread = np.sqrt(np.maximum(sketch.directed_squares[..., directed] / judged - mean**2, 0.0))
    spread = np.maximum(spread, 0.1 * usual)
    size = sizes(
        lens,
        sketch,
        calibration.repeat_correlation.max(keepdims=True),
        calibration.ignorance.max(keepdims=True),
    )
    error = np.sqrt(spread**2 / size.independent + usual**2 / size.reference)
    p_values = special.stdtr(np.maximum(size.independent - 1.0, 1.0), -(mean - _MATERIAL_EFFECT * usual) / error)
    worst = p_values.argmin(axis=-1)
    return Outcome(
        np.minimum(1.0, len(directed) * _chosen(p_values, worst)),
        _chosen(mean / usual, worst),
        _MATERIAL_EFFECT + _chosen(error / usual, worst),
        np.asarray(np.array(directed)[worst]),
    )


def tail_excess(lens: Lens, sketch: Sketch, *, worse_only: bool, moves: Moves | None = None) -> Outcome:
    """Whether more generations lie in a tail of a scalar than at the baseline, for each tail of each scalar; for the
    worse tails only, and beyond a material share, where only worse is asked for.

    Two Poisson counts are compared given their sum (Przyborowski & Wilenski 1940): the baseline's count is as uncertain
    as the window's. Of any change, clumps are counted that images of one prompt come in; a material share is more than
    an odd favourite was seen to make. A wary look, with `moves`, takes unseen requests, and those like them, for
    unknown. That others have moved makes hardly a generation extreme.
    """
    tested = np.flatnonzero(lens.worse_tails) if worse_only else np.arange(len(lens.tail_names))
    judged = np.maximum(sketch.judged, 1)[..., None]
    observed = sketch.tail_counts[..., tested] / judged
    expected = expected_rates(lens, sketch)[..., tested]
    doubt = doubt_of_unseen(lens, moves, lens.calibration.tail_ignorance[tested]) if moves else 0.0
    size = tail_sizes(lens, sketch, tested, doubt)
    if worse_only:
        p_values = _excess(observed, expected + MATERIAL_RATE, size, np.ones(1))
    else:
        p_values = _excess(observed, expected, size, _evenness(lens, sketch, tested))
    worst = p_values.argmin(axis=-1)
    return Outcome(
        np.minimum(1.0, len(tested) * _chosen(p_values, worst)),
        _chosen(observed - expected, worst),
        np.sqrt(_chosen(expected / size.reference, worst)),
        np.asarray(tested[worst]),
    )


def tail_p_values(lens: Lens, sketch: Sketch, observed: Array, usual: Array, tails: NDArray[np.intp]) -> Array:
    """The chance of at least these shares `observed` of a window in these `tails`, where the baseline had `usual`."""
    return _excess(observed, usual, tail_sizes(lens, sketch, tails), _evenness(lens, sketch, tails))


def tail_sizes(lens: Lens, sketch: Sketch, tails: NDArray[np.intp], doubt: Array | float = 0.0) -> Sizes:
    calibration = lens.calibration
    repeat, ignorance = calibration.tail_repeat_correlation[tails], calibration.tail_ignorance[tails]
    return sizes(lens, sketch, repeat, ignorance, doubt)


def _evenness(lens: Lens, sketch: Sketch, tails: NDArray[np.intp]) -> Array:
    """How large a clump would be, did all prompts repeat equally often, in units of what it is [..., tails]; at most 1.

    A shifted Poisson count of clumps has the mean, the variance and the third cumulant of the generations in a tail if
    a clump is F3 / F2 of them, of images that share all they are. F3 is not known; by Hölder's inequality it lies
    between F2^2 / n and sqrt(F2 F4). What is taken is the geometric middle: the upper bound would be nearer where one
    favourite leads, but then hardly any share of broken images could be told from a favourite that is odd.
    """
    repeat = lens.calibration.tail_repeat_correlation[tails]
    second, fourth = sketch.repeat_moment[..., None], sketch.repeat_fourth[..., None]
    return np.asarray((1.0 + repeat * (second - 1.0)) / (1.0 + repeat * ((second * fourth) ** 0.25 - 1.0)))


def _excess(observed: Array, usual: Array, size: Sizes, evenness: Array) -> Array:
    """The chance of as large an excess: of the variance that sizes give it, from fewer and larger clumps than even
    ones."""
    observed = usual + (observed - usual) / evenness
    size = Sizes(size.independent * evenness**2, size.reference * evenness**2)
    found, known = observed * size.independent, usual * size.reference
    live = size.independent / (size.independent + size.reference)
    # Nearly all tails are as usual at nearly all times: no need to know how usual.
    excess = observed - usual > np.sqrt(usual * size.variance)
    p_values = np.ones(excess.shape)
    special.betainc(found, known + 1.0, live, out=p_values, where=excess)
    return p_values


def expected_rates(lens: Lens, sketch: Sketch) -> Array:
    """The share of generations in each tail, had the clusters of these generations kept their rates [..., tails]."""
    rates = sketch.cluster_counts @ lens.calibration.exact_tail_rates
    return np.asarray(rates / np.maximum(sketch.judged, 1)[..., None])


def directed_scalars(lens: Lens) -> list[int]:
    return [i for i, scalar in enumerate(lens.scalars) if scalar.worse is not Direction.NEITHER]


def strongest(names: Sequence[str], scores: Array) -> list[Json]:
    order = np.argsort(-np.abs(scores))[:_SIGNALS_SHOWN]
    return [{"signal": names[i], "deviations": round(float(scores[i]), 4)} for i in order]


def _chosen(values: Array, which: NDArray[np.intp]) -> Array:
    return np.asarray(np.take_along_axis(values, np.expand_dims(which, -1), axis=-1)[..., 0])
