"""Whether bad images are spread over more prompts than they were: a test that favourites cannot mislead.

Images of one prompt share what no lens can know, so the generations in a tail are fewer than they seem, and where a few
prompts make up much of the traffic there are few left. Prompts are what is independent. Of n generations no more than n
times a tail's rate can on average be prompts with an image in it, whatever their images share and however often each is
asked for; and a sum of independent events is at least 1 above its mean no more often than a Poisson count of that mean
or a larger one (Hoeffding 1956; Anderson & Samuels 1967). So the prompts that were hit are counted, each once, and
nothing is taken off for repeats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors.hypotheses import MATERIAL_RATE, Array, Outcome, expected_rates, tail_sizes
from monitors.lens import Lens
from monitors.moves import Moves, doubt_of_requests
from monitors.sketch import Sketch


def spread_excess(lens: Lens, sketch: Sketch, *, worse_only: bool, moves: Moves | None = None) -> Outcome:
    """Whether more prompts than at the baseline have an image in a worse tail, for each of `WORST_LEVELS`; beyond a
    material share, where only worse is asked for. Effects are prompts for each generation.

    The baseline's rate is as uncertain as the window's, so two Poisson counts are compared given their sum
    (Przyborowski & Wilenski 1940). Where several scalars have a worse side, a prompt is hit in any of their tails, and
    the sum of these tails' rates is its bound. A wary look, with `moves`, takes requests that have moved for as
    good as unknown: they may be one prompt in many wordings.
    """
    judged = np.maximum(sketch.judged, 1)[..., None].astype(np.float64)
    found, rates = prompts_hit(sketch).astype(np.float64), expected_rates(lens, sketch)
    expected = np.stack([rates[..., tails].sum(axis=-1) for tails in lens.worst], axis=-1)
    known = np.stack([_known(lens, sketch, tails, moves) for tails in lens.worst], axis=-1)
    usual = expected + MATERIAL_RATE * np.array([len(tails) for tails in lens.worst]) if worse_only else expected
    p_values = np.ones(found.shape)
    special.betainc(
        found, usual * known + 1.0, judged / (judged + known), out=p_values, where=found >= usual * judged + 1.0
    )
    worst = p_values.argmin(axis=-1)

    def of_worst(values: Array) -> Array:
        return np.asarray(np.take_along_axis(values, worst[..., None], axis=-1)[..., 0])

    return Outcome(
        np.minimum(1.0, len(lens.worst) * of_worst(p_values)),
        of_worst(found / judged - expected),
        np.sqrt(of_worst(expected / known)),
        np.asarray(worst),
    )


def prompts_hit(sketch: Sketch) -> NDArray[np.int64]:
    """How many prompts have an image in a worse tail [..., levels]; at least, for those that share a counter count as
    one. Where traffic has filled most counters nothing is found, and the other tests have all they need."""
    return np.asarray((sketch.hits > 0).sum(axis=-1))


def _known(lens: Lens, sketch: Sketch, tails: NDArray[np.intp], moves: Moves | None) -> Array:
    """How many generations the baseline is worth, of the tail that it says least of."""
    calibration = lens.calibration
    repeat, ignorance = calibration.tail_repeat_correlation[tails], calibration.tail_ignorance[tails]
    doubt = doubt_of_requests(lens, moves, repeat, ignorance) if moves else 0.0
    return np.asarray(tail_sizes(lens, sketch, tails, doubt).reference.min(axis=-1, initial=calibration.size))
