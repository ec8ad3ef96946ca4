"""Fitting a lens to a baseline: two halves that share no prompt, each judged by what the other taught."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.calibration import Strangers, fit_calibration, fit_scaling
from monitors.expectation import Ridge, fit_expectation, fit_requests, leverage_directions
from monitors.extrapolation import hide_clusters
from monitors.lens import Half, Lens
from monitors.novelty import NOVELTIES, fit_components, fit_novelty
from monitors.sample import Direction, Sample, sides

SMALLEST_BASELINE = 500
_SMALLEST_QUARTER = 50
_QUARTER_ROWS = 6_000
_MOST_REPEATS = 4  # of a prompt, or twice the average where all repeat more than that
_ORIENTATION = {Direction.LOW: -1.0, Direction.HIGH: 1.0, Direction.NEITHER: 0.0}


class BaselineTooSmall(ValueError):
    """A lens of so few generations would be blind behind its own uncertainty."""


def fit_lens(baseline: Sample, seed: int) -> Lens:
    """Fit all stages; the same sample and seed give the same lens.

    Raises BaselineTooSmall below `SMALLEST_BASELINE` generations, or where a few prompts make up so much of them that
    they cannot be halved without sharing one.
    """
    if len(baseline) < SMALLEST_BASELINE:
        raise BaselineTooSmall(f"{len(baseline)} generations; a baseline needs at least {SMALLEST_BASELINE}")
    rng = np.random.default_rng(seed)
    kept = baseline.take(_thinned(baseline.prompt_keys))
    side = sides(kept.prompt_keys)
    rows = [np.flatnonzero(side == number) for number in (0, 1)]
    smallest = min(len(rows[0]), len(rows[1]))
    if np.bincount(_quarters(kept.prompt_keys), minlength=4).min() < _SMALLEST_QUARTER:
        raise BaselineTooSmall("a few prompts repeat too often: parts that share none are too small")

    requests = fit_requests(
        kept,
        clusters=int(np.clip(len(kept) // 30, 1, 256)),
        waves=int(np.clip(smallest // 16, 16, 512)),
        rng=rng,
    )
    read = requests.read(kept)
    cluster, _ = requests.place(kept, read)
    clusters = len(requests.centroids)
    design = requests.design(read)
    components_kept = int(np.clip(len(kept) // 60, 4, min(64, kept.images.shape[1])))

    samples = [kept.take(each) for each in rows]
    designs = [design[each] for each in rows]
    directions = leverage_directions(design.shape[1], rng)
    # Half 0 judges the prompts of side 0, so it learns from those of side 1; likewise all that follows from it.
    fitted = [
        fit_expectation(designs[other], samples[other], designs[own], samples[own], directions, rng)
        for own, other in ((0, 1), (1, 0))
    ]
    expectations = [expectation for expectation, _ in fitted]
    looks = [expectations[own].look(designs[own], samples[own].images, samples[own].scalars) for own in (0, 1)]
    novelties = [
        fit_novelty(
            _unseen_residuals(designs[other], samples[other], penalties), samples[other].images, components_kept
        )
        for other, (_, penalties) in zip((1, 0), fitted, strict=True)
    ]
    unscaled = [
        np.concatenate([look.scalars, novelty.distances(look.residuals, sample.images)], axis=1)
        for look, novelty, sample in zip(looks, novelties, samples, strict=True)
    ]
    scalings = [fit_scaling(unscaled[other], cluster[rows[other]], clusters) for other in (1, 0)]
    components = fit_components(np.concatenate([look.residuals for look in looks]), components_kept)

    taught, judged = ((designs[number], samples[number], cluster[rows[number]]) for number in (1, 0))
    hidden = hide_clusters(taught, judged, clusters, fitted[0][1], rng)
    hidden_scalars = np.concatenate(
        [hidden.scalars, novelties[0].distances(hidden.residuals, samples[0].images[hidden.rows])], axis=1
    )
    unknown = fit_scaling(unscaled[1], np.zeros(len(rows[1]), np.intp), 1)

    order = np.argsort(np.concatenate(rows))
    worse = [scalar.worse for scalar in baseline.schema.scalars] + [Direction.NEITHER] * len(NOVELTIES)
    return Lens(
        schema=baseline.schema,
        baseline_size=len(baseline),
        requests=requests,
        halves=(
            Half(expectations[0], novelties[0], scalings[0]),
            Half(expectations[1], novelties[1], scalings[1]),
        ),
        components=components,
        calibration=fit_calibration(
            np.concatenate([components.project(look.residuals) for look in looks])[order],
            np.concatenate([scalings[own].normalise(unscaled[own], cluster[rows[own]]) for own in (0, 1)])[order],
            np.concatenate([look.leverage for look in looks])[order],
            cluster,
            clusters,
            np.array([_ORIENTATION[direction] for direction in worse], dtype=np.float32),
            kept.prompt_keys,
            Strangers(
                components.project(hidden.residuals),
                unknown.normalise(hidden_scalars, np.zeros(len(hidden.rows), np.intp)),
                cluster[rows[0]][hidden.rows],
                hidden.leverage,
            ),
        ),
    )


def _quarters(prompt_keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    return 2 * sides(prompt_keys >> np.uint64(1)) + sides(prompt_keys)


def _unseen_residuals(design: NDArray[np.float32], sample: Sample, penalties: tuple[float, ...]) -> NDArray[np.float32]:
    """Residuals of a half's images within that half alone, each quarter of the prompts looked at through the other.

    The half's other residuals would not do: the regression they come from was taught by the images that these are to
    judge, and in many dimensions a covariance remembers what it is made of.
    """
    quarter = sides(sample.prompt_keys >> np.uint64(1))
    residuals = np.empty_like(sample.images)
    for number in (0, 1):
        shown, hidden = np.flatnonzero(quarter != number)[:_QUARTER_ROWS], np.flatnonzero(quarter == number)
        coefficients = Ridge(design[shown]).solved(sample.images[shown], penalties[0])
        residuals[hidden] = sample.images[hidden] - design[hidden] @ coefficients[:-1] - coefficients[-1]
    return residuals


def _thinned(prompt_keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Rows with the first few generations of each prompt: a viral one would teach the lens little but itself."""
    _, prompt, repeats = np.unique(prompt_keys, return_inverse=True, return_counts=True)
    by_prompt = np.argsort(prompt, kind="stable")
    occurrence = np.empty_like(prompt)
    occurrence[by_prompt] = np.arange(len(prompt)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return np.flatnonzero(occurrence < max(_MOST_REPEATS, 2 * len(prompt) // len(repeats)))
