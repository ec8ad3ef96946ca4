"""How far people ask for other things than at the baseline, and how much a lens is to be doubted for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitors.lens import Lens
from monitors.sketch import Sketch

LEVERAGE_MARGIN = 2.0  # above what the lens's projection estimates: found on worlds, as far away as can be
_USUALLY_UNSEEN = 0.001  # share of requests beyond a lens's reach at its baseline
_REACH_TAKEN_FROM = 0.2  # of the baseline
_BARELY_SEEN = 10.0  # requests that are as little known, for each that is unseen: found on worlds with new topics

Array = NDArray[np.float64]


@lru_cache(maxsize=2)  # every test of the same windows asks for it
def squared_moves(lens: Lens, sketch: Sketch) -> tuple[Array, Array]:
    """(live share - usual share)^2 of each cluster, and what sampling alone gives it on average."""
    calibration = lens.calibration
    n = np.maximum(sketch.judged, 1)[..., None]
    live, usual = sketch.cluster_counts / n, calibration.cluster_counts / calibration.size
    sampling = live * (1.0 - live) * sketch.repeat_moment[..., None] / n
    sampling = sampling + usual * (1.0 - usual) * calibration.repeat_moment / calibration.size
    return (live - usual) ** 2, sampling


@lru_cache(maxsize=2)  # likewise
def leverages(lens: Lens, sketch: Sketch) -> tuple[Array, Array]:
    """Of a window's mean request, and what sampling alone gives it on average."""
    calibration = lens.calibration
    n = np.maximum(sketch.judged, 1)
    squared = ((sketch.leverage_sums / n[..., None]) ** 2).sum(axis=-1)
    return squared, calibration.leverage * (sketch.repeat_moment / n + calibration.repeat_moment / calibration.size)


@dataclass(frozen=True, eq=False)
class Moves:
    """How far the requests of each window [...] have moved: the squares of the shares of traffic that have moved to or
    from clusters, summed; the leverage of the mean request; and the share that is unseen. Each is 0 where sampling
    explains it: of traffic that has not moved, a wary look is as good as any."""

    squared: Array
    leverage: Array
    unseen: Array

    @classmethod
    def of(cls, lens: Lens, sketch: Sketch) -> Moves:
        squared, sampling = squared_moves(lens, sketch)
        leverage, usual = leverages(lens, sketch)
        directions = sketch.leverage_sums.shape[-1]
        n = np.maximum(sketch.judged + sketch.unseen, 1)
        error = np.sqrt(_USUALLY_UNSEEN * (1.0 / n + 1.0 / (_REACH_TAKEN_FROM * lens.baseline_size)))
        slack = 2.0 * np.sqrt(2.0 * (sampling**2).sum(axis=-1))
        return cls(
            _beyond(squared.sum(axis=-1), sampling.sum(axis=-1), slack),
            _beyond(leverage, usual, 2.0 * usual * np.sqrt(2.0 / directions)),
            _beyond(sketch.unseen / n, np.asarray(_USUALLY_UNSEEN), 3.0 * error),
        )

    def __or__(self, other: Moves) -> Moves:
        """As far as either has moved."""
        return Moves(
            np.maximum(self.squared, other.squared),
            np.maximum(self.leverage, other.leverage),
            np.maximum(self.unseen, other.unseen),
        )

    def rows(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Moves:
        return Moves(self.squared[which], self.leverage[which], self.unseen[which])


def moves_of_nested(lens: Lens, stack: Sketch) -> Moves:
    """Of windows that end together, the shortest first: as far as each of them has moved, or any longer one.

    A few hundred generations hardly show that requests have moved, and their means show what that does to images.
    """
    own = Moves.of(lens, stack)
    return Moves(*(np.maximum.accumulate(each[::-1])[::-1] for each in (own.squared, own.leverage, own.unseen)))


def doubt_of_requests(lens: Lens, moves: Moves, repeat: Array, ignorance: Array) -> Array:
    """What a wary look adds to the variance of the expectation.

    What has moved to a cluster may be one prompt in many wordings, whose images share what no lens can know. And the
    leverage of the mean request may be understated as much again, twice.
    """
    understated = 2.0 * LEVERAGE_MARGIN * moves.leverage
    moved = moves.squared[..., None] * repeat + understated[..., None] * ignorance
    return np.asarray(moved + doubt_of_unseen(lens, moves, ignorance))


def doubt_of_unseen(lens: Lens, moves: Moves, ignorance: Array) -> Array:
    """With each unseen request come others that are barely seen, and all of these may depart together, as clusters of
    the baseline did that were hidden."""
    squared = np.minimum(_BARELY_SEEN * moves.unseen, 1.0) ** 2 * lens.calibration.leverage
    return np.asarray(squared[..., None] * ignorance)


def _beyond(found: Array, expected: Array, slack: Array) -> Array:
    """How much more was found than expected, where it is more than the slack, some standard errors of sampling."""
    return np.asarray(np.where(found > expected + slack, found - expected, 0.0))
