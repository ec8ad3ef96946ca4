"""Fitting a lens to a baseline: three splits that share no prompt, sizes that follow how much there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.calibration import fit_calibration, fit_scaling
from monitors.expectation import Look, fit_expectation
from monitors.lens import Lens
from monitors.novelty import NOVELTIES, Novelty, fit_novelty
from monitors.sample import Direction, Sample

SMALLEST_BASELINE = 500
_SHARES = (0.3, 0.2)  # for regression and for residual covariance; what is left calibrates
_MOST_REPEATS = 4  # of a prompt, or twice the average where all repeat more than that
_ORIENTATION = {Direction.LOW: -1.0, Direction.HIGH: 1.0, Direction.NEITHER: 0.0}


class BaselineTooSmall(ValueError):
    """A lens of so few generations would be blind behind its own uncertainty."""


def fit_lens(baseline: Sample, seed: int) -> Lens:
    """Fit all three stages; the same sample and seed give the same lens.

    Raises BaselineTooSmall below `SMALLEST_BASELINE` generations, or where a few prompts make up so much of them that
    they cannot be split without sharing one.
    """
    if len(baseline) < SMALLEST_BASELINE:
        raise BaselineTooSmall(f"{len(baseline)} generations; a baseline needs at least {SMALLEST_BASELINE}")
    rng = np.random.default_rng(seed)
    kept = baseline.take(_thinned(baseline.prompt_keys))
    regression, covariance, calibration = (kept.take(rows) for rows in _splits(kept.prompt_keys, rng))
    smallest = min(len(regression), len(covariance), len(calibration))
    if smallest < SMALLEST_BASELINE // 10:
        raise BaselineTooSmall(f"a few prompts repeat too often: splits that share none leave {smallest} generations")

    expectation = fit_expectation(
        regression,
        covariance,
        calibration,
        clusters=int(np.clip(len(calibration) // 30, 1, 256)),
        waves=int(np.clip(len(regression) // 16, 16, 512)),
        rng=rng,
    )
    requests = expectation.requests(covariance)
    look = expectation.look(requests, covariance)
    components = int(np.clip(len(calibration) // 60, 4, min(64, look.residuals.shape[1])))
    novelty = fit_novelty(look.residuals, Sample.concatenate([regression, covariance]).images, components)
    clusters = len(expectation.centroids)
    cluster, _ = expectation.place(covariance, requests)
    scaling = fit_scaling(_scalars(novelty, look, covariance), cluster, clusters)

    requests = expectation.requests(calibration)
    look = expectation.look(requests, calibration)
    cluster, _ = expectation.place(calibration, requests)
    directions = [scalar.worse for scalar in baseline.schema.scalars] + [Direction.NEITHER] * len(NOVELTIES)
    return Lens(
        schema=baseline.schema,
        baseline_size=len(baseline),
        expectation=expectation,
        novelty=novelty,
        calibration=fit_calibration(
            novelty.project(look.residuals),
            _scalars(novelty, look, calibration),
            requests,
            look.leverage,
            cluster,
            clusters,
            np.array([_ORIENTATION[direction] for direction in directions], dtype=np.float32),
            calibration.prompt_keys,
            scaling,
        ),
    )


def _scalars(novelty: Novelty, look: Look, sample: Sample) -> NDArray[np.float32]:
    return np.concatenate([look.scalars, novelty.distances(look.residuals, sample.images)], axis=1)


def _thinned(prompt_keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Rows with the first few generations of each prompt: a viral one would teach the lens little but itself."""
    _, prompt, repeats = np.unique(prompt_keys, return_inverse=True, return_counts=True)
    by_prompt = np.argsort(prompt, kind="stable")
    occurrence = np.empty_like(prompt)
    occurrence[by_prompt] = np.arange(len(prompt)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return np.flatnonzero(occurrence < max(_MOST_REPEATS, 2 * len(prompt) // len(repeats)))


def _splits(prompt_keys: NDArray[np.uint64], rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Rows of each split. All generations of one prompt go to one split: a residual of a prompt the regression has
    learned is smaller than one of a new prompt, and must not set what is usual. For the same reason the regression
    gets prompts that came once, as far as there are any: those that come again would look better than was usual.
    """
    _, prompt, repeats = np.unique(prompt_keys, return_inverse=True, return_counts=True)
    order = rng.permutation(len(repeats))
    order = order[np.argsort(repeats[order] > 1, kind="stable")]
    first = int(np.searchsorted(np.cumsum(repeats[order]), _SHARES[0] * len(prompt_keys)))
    order[first:] = rng.permutation(order[first:])
    before = np.empty(len(repeats))
    before[order] = np.cumsum(repeats[order]) - repeats[order]
    split = np.searchsorted(np.cumsum(_SHARES) * len(prompt_keys), before, side="right")[prompt]
    return [np.flatnonzero(split == s) for s in range(len(_SHARES) + 1)]
