"""Two checkpoints on the same prompts and seeds: is the new one worse than the old one, and by how much? Pure."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitors.estimates import clustered_mean, quantile_estimate, rate_estimate
from monitors.paired import more_often
from monitors.probes import ALIGNMENT_MARGIN, Made, Outputs
from monitors.probes import compare as compare_pairs
from monitors.scan import Rule
from monitors.vendi import diversity, diversity_change
from safelight.comparing.documents import Figure, Part

_BREAKS_MORE = 0.05
"""A chance below this is not taken for luck: a person reads one trial, not thousands."""


class Conclusion(StrEnum):
    """What the trial shows."""

    NOT_WORSE = "not_worse"
    WORSE = "worse"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, eq=False)
class Drawn:
    """What one checkpoint made of the prompts: its outputs, and the seconds each image took, NaN where unknown."""

    outputs: Outputs
    seconds: NDArray[np.float64]


class SideOfTrial(Part):
    """One checkpoint. Alignment and diversity are of the images that both made."""

    alignment: Figure
    broken_rate: Figure
    diversity: Figure
    seconds_p50: Figure


class Trial(Part):
    """`p_changed` and `p_worse` are exact paired tests; changes are new less old, with their intervals."""

    pairs: int
    compared: int
    old: SideOfTrial
    new: SideOfTrial
    alignment_change: Figure
    diversity_change: Figure
    newly_broken: int
    mended: int
    p_broken: float
    embedding_change: float
    p_changed: float
    p_worse: float
    slowdown: Figure
    margin: float
    conclusion: Conclusion
    statement: str


def judge(old: Drawn, new: Drawn, prompt_keys: NDArray[np.uint64], margin: float = ALIGNMENT_MARGIN) -> Trial:
    """Compare outputs pair by pair; `margin` is the loss of mean alignment that would not matter."""
    paired = compare_pairs(new.outputs, old.outputs, rule=Rule.WORSE)
    good = old.outputs.mask(Made.GOOD) & new.outputs.mask(Made.GOOD)
    keys = prompt_keys[good]
    change = Figure.of(clustered_mean(new.outputs.alignments[good] - old.outputs.alignments[good], keys))
    p_broken = more_often(paired.broken, paired.mended)
    conclusion, statement = _conclude(change, margin, paired.broken, paired.mended, p_broken)
    sides = [_side(each, good, keys) for each in (old, new)]
    return Trial(
        pairs=len(prompt_keys),
        compared=paired.n,
        old=sides[0],
        new=sides[1],
        alignment_change=change,
        diversity_change=Figure.of(diversity_change(old.outputs.images[good], new.outputs.images[good], keys)),
        newly_broken=paired.broken,
        mended=paired.mended,
        p_broken=p_broken,
        embedding_change=paired.shift,
        p_changed=paired.p_changed,
        p_worse=paired.p_worse,
        slowdown=_slowdown(old.seconds, new.seconds),
        margin=margin,
        conclusion=conclusion,
        statement=statement,
    )


def _side(drawn: Drawn, good: NDArray[np.bool_], keys: NDArray[np.uint64]) -> SideOfTrial:
    made = [each is not Made.MISSING for each in drawn.outputs.made]
    broken = int(drawn.outputs.mask(Made.BROKEN).sum())
    return SideOfTrial(
        alignment=Figure.of(clustered_mean(drawn.outputs.alignments[good], keys)),
        broken_rate=Figure.of(rate_estimate(broken, sum(made))),
        diversity=Figure.of(diversity(drawn.outputs.images[good], keys, int(good.sum()))),
        seconds_p50=Figure.of(quantile_estimate(drawn.seconds[np.isfinite(drawn.seconds)], 0.5)),
    )


def _slowdown(old: NDArray[np.float64], new: NDArray[np.float64]) -> Figure:
    """The median ratio of the times of the same request."""
    both = np.isfinite(old) & np.isfinite(new) & (old > 0)
    return Figure.of(quantile_estimate(new[both] / old[both], 0.5))


def _conclude(change: Figure, margin: float, broken: int, mended: int, p_broken: float) -> tuple[Conclusion, str]:
    if p_broken < _BREAKS_MORE:
        return Conclusion.WORSE, (
            f"The new checkpoint is worse: {broken} images that the old one made are broken, {mended} the other way "
            f"round; chance alone does that {_once_in(p_broken)} trials."
        )
    if change.value is None or change.low is None or change.high is None:
        return Conclusion.CANNOT_TELL, (
            f"{change.n} pairs of images are too few to say anything; {change.needed} would be a beginning."
        )
    found = f"alignment changed by {change.value:+.4f} (95 % interval {change.low:+.4f} to {change.high:+.4f})"
    if change.high < -margin:
        return (
            Conclusion.WORSE,
            f"The new checkpoint is worse: {found}, more than the {margin:g} that would not matter.",
        )
    if change.low > -margin:
        more = ", and it is better" if change.low > 0 else ""
        return Conclusion.NOT_WORSE, (
            f"The new checkpoint is not worse by more than {margin:g}: {found}{more}. This speaks of how well images "
            "fit their prompts, not of whether anybody likes them better."
        )
    return Conclusion.CANNOT_TELL, (
        f"Too few pairs to tell: {found}, and a loss of {margin:g} would matter.{_more_pairs(change, margin)}"
    )


def _once_in(chance: float) -> str:
    # Of a thousand images that are all broken it is no more than nought.
    return f"once in {1 / chance:,.0f}" if chance > 1e-9 else "less than once in a billion"


def _more_pairs(change: Figure, margin: float) -> str:
    """How many pairs would settle it, were the change what it seems: an interval narrows with their square root."""
    assert change.value is not None and change.low is not None  # noqa: S101, PT018 - asked with an estimate only
    room = abs(change.value + margin)
    if room == 0:
        return ""
    needed = int(np.ceil(change.n * ((change.value - change.low) / room) ** 2))
    return f" About {needed:,} pairs would settle it, were the change what it seems." if needed < 1e6 else ""
