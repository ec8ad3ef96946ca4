"""Probes: fixed prompts and seeds, made again and held against stored outputs. What changed, and is it worse?

Three answers are looked for. On an engine that repeats itself to the pixel, any change of an image is a finding. On one
that does not, an image may not lie farther from the stored one than its own repetition did. And over all pairs two
paired tests (see monitors.paired): the mean embedding, which sees a common shift, and the alignment with the prompt,
which sees a collapse that the mean may hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors.paired import decrease, more_often, shift
from monitors.scan import Rule
from monitors.verdict import Health, Json, Reason, Verdict

MIN_PAIRS = 8
ROUNDING = 0.02
"""Mean absolute difference of two images, in levels of 255, that rounding explains: the same request in a batch of
another size differs by one level in a few pixels."""
ALIGNMENT_MARGIN = 0.005
"""A mean loss of alignment (a cosine) that nobody sees."""
SHIFT_MARGIN = 0.02
"""A length of the mean embedding difference that is no change of kind."""
SUSPICIOUS = 0.01
_CONFIDENCE = 0.95


class Made(StrEnum):
    """What became of one probe."""

    GOOD = "good"
    BROKEN = "broken"  # blank, not finite, refused by the version's filter or by the engine
    MISSING = "missing"  # never made, or lost: says nothing about the version


@dataclass(frozen=True, eq=False)
class Outputs:
    """What probes gave, in the order of the probes: unit vectors [n, d] and alignments [n], NaN where not GOOD."""

    made: Sequence[Made]
    images: NDArray[np.float32]
    alignments: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.made) == len(self.images) == len(self.alignments):
            raise ValueError("outputs need one entry for each probe")

    def mask(self, made: Made) -> NDArray[np.bool_]:
        return np.array([each is made for each in self.made], dtype=bool)


@dataclass(frozen=True)
class Repeatability:
    """How far a second output of the same probes on the same engine lay from the first.

    Pixel distances are mean absolute differences in levels of 255, embedding distances lengths of differences of unit
    vectors; `spread` is the median embedding distance between outputs of different probes.
    """

    n: int
    pixel_median: float
    pixel_max: float
    embedding_median: float
    embedding_max: float
    spread: float

    @property
    def exact(self) -> bool:
        """Whether the engine repeats itself, rounding apart: then any other image is a change."""
        return self.pixel_max <= ROUNDING

    @property
    def usable(self) -> bool:
        """Whether an image is more like its repetition than like another probe's image: else the seed is ignored."""
        return self.embedding_median < self.spread / 2

    def to_dict(self) -> dict[str, Json]:
        return {**asdict(self), "exact": self.exact, "usable": self.usable}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Repeatability:
        return cls(**{name: value for name, value in data.items() if name not in ("exact", "usable")})


@dataclass(frozen=True)
class Comparison:
    """Probes held against stored outputs; `n` pairs gave two images. P-values in (0, 1], 1 where nothing was tested."""

    rule: Rule
    n: int
    missing: int
    broken: int
    """Broken now, good in the stored outputs."""
    mended: int
    changed: int | None
    """Images beyond rounding, on an engine that repeats itself; None where that cannot be asked."""
    largest_pixel_difference: float | None
    shift: float
    alignment_change: float
    p_changed: float
    p_worse: float
    usable: bool = True

    @property
    def suspicious(self) -> bool:
        """Worth a closer look: as weak evidence as this comes up once in fifty healthy comparisons."""
        return min(self.p_changed, self.p_worse) < SUSPICIOUS or bool(self.changed)

    def to_dict(self) -> dict[str, Json]:
        return {**asdict(self), "rule": self.rule.value}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        return cls(**{**data, "rule": Rule(data["rule"])})


@dataclass(frozen=True)
class Drop:
    """How much alignment is lost on average when a scene is asked for in other words; a 95 % interval (Student's t)."""

    n: int
    mean: float
    low: float
    high: float


def repeatability(first: Outputs, again: Outputs, pixels: NDArray[np.float64]) -> Repeatability | None:
    """From two outputs of the same probes; `pixels` [n] are the distances of the images, NaN where unknown.

    None where fewer than MIN_PAIRS gave two images that can be read.
    """
    both = first.mask(Made.GOOD) & again.mask(Made.GOOD) & np.isfinite(pixels)
    if both.sum() < MIN_PAIRS:
        return None
    moved = np.linalg.norm(again.images[both] - first.images[both], axis=1)
    return Repeatability(
        n=int(both.sum()),
        pixel_median=float(np.median(pixels[both])),
        pixel_max=float(pixels[both].max()),
        embedding_median=float(np.median(moved)),
        embedding_max=float(moved.max()),
        spread=_spread(first.images[both]),
    )


def compare(
    now: Outputs,
    stored: Outputs,
    *,
    rule: Rule,
    pixels: NDArray[np.float64] | None = None,
    tolerance: Repeatability | None = None,
    repeated: NDArray[np.float64] | None = None,
) -> Comparison:
    """Hold outputs against the stored ones of the same probes.

    `pixels` [n] are the distances of the images; `tolerance` is the repeatability of the stored outputs' engine, and
    `repeated` [n] the pixel distances of its repetitions, NaN where there was none. All three are left out where the
    images were made on different devices, or by different versions: there pixels may differ without a fault.
    """
    good = now.mask(Made.GOOD) & stored.mask(Made.GOOD)
    broken = int((now.mask(Made.BROKEN) & stored.mask(Made.GOOD)).sum())
    mended = int((now.mask(Made.GOOD) & stored.mask(Made.BROKEN)).sum())
    breaking = more_often(broken, mended)
    moved, fitting = shift(np.zeros((0, 1))), decrease(np.zeros(1))
    if good.any():
        moved = shift(now.images[good] - stored.images[good])
        fitting = decrease(now.alignments[good] - stored.alignments[good], ALIGNMENT_MARGIN)
    known = pixels[good] if pixels is not None else np.zeros(0)
    known = known[np.isfinite(known)]
    exact = tolerance is not None and tolerance.exact and len(known) > 0
    kinds = [moved.p_value if moved.effect >= SHIFT_MARGIN else 1.0]
    if pixels is not None and repeated is not None and tolerance is not None and not tolerance.exact:
        kinds.append(_farther(pixels[good], repeated[good]))
    return Comparison(
        rule=rule,
        n=int(good.sum()),
        missing=int((now.mask(Made.MISSING) | stored.mask(Made.MISSING)).sum()),
        broken=broken,
        mended=mended,
        changed=int((known > ROUNDING).sum()) if exact else None,
        largest_pixel_difference=float(known.max()) if len(known) else None,
        shift=moved.effect,
        alignment_change=fitting.effect,
        p_changed=min(1.0, len(kinds) * min(kinds)),
        p_worse=min(1.0, 2.0 * min(fitting.p_value, breaking)),
        usable=tolerance.usable if tolerance is not None else True,
    )


def assess(comparison: Comparison, alpha: float) -> Verdict:
    """What a comparison says when it may raise a false alarm with probability `alpha`.

    Against the outputs of the version it replaced (Rule.WORSE) only a loss counts: another style is a person's choice.
    """
    level = alpha / (2 if comparison.rule is Rule.ANY_CHANGE else 1)
    asked = comparison.n + comparison.broken + comparison.missing
    if comparison.n + comparison.broken < max(MIN_PAIRS, asked / 2):
        return _verdict(
            comparison,
            Health.INCONCLUSIVE,
            Reason.PROBES_MISSING,
            f"Only {comparison.n + comparison.broken} of {asked} probes could be compared.",
            alpha,
        )
    if comparison.p_worse < level:
        return _verdict(comparison, Health.DEGRADED, Reason.PROBE_WORSE, _worse(comparison), alpha)
    if comparison.rule is Rule.ANY_CHANGE and (comparison.changed or comparison.p_changed < level):
        return _verdict(comparison, Health.DEGRADED, Reason.PROBE_CHANGED, _changed(comparison), alpha)
    if not comparison.usable:
        summary = "The engine gives another image each time for the same prompt and seed: probes cannot tell a change."
        return _verdict(comparison, Health.INCONCLUSIVE, Reason.NOT_REPEATABLE, summary, alpha)
    summary = f"{comparison.n} probes look as stored" + (
        "." if comparison.changed is None else ", to the pixel." if not comparison.changed else "."
    )
    return _verdict(comparison, Health.HEALTHY, Reason.WITHIN_BUDGET, summary, alpha)


def drop(plain: NDArray[np.floating], varied: NDArray[np.floating]) -> Drop | None:
    """Of alignments [n] with the plain prompt: of its own image, and of the image of the varied prompt."""
    lost = np.asarray(plain, dtype=np.float64) - np.asarray(varied, dtype=np.float64)
    lost = lost[np.isfinite(lost)]
    if len(lost) < MIN_PAIRS:
        return None
    reach = float(special.stdtrit(len(lost) - 1, (1 + _CONFIDENCE) / 2) * lost.std(ddof=1) / np.sqrt(len(lost)))
    mean = float(lost.mean())
    return Drop(len(lost), mean, mean - reach, mean + reach)


def pixel_distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two images [H, W, 3] in levels of 255; 255 for images of different sizes."""
    if a.shape != b.shape:
        return 255.0
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())


def _farther(pixels: NDArray[np.float64], repeated: NDArray[np.float64]) -> float:
    known = np.isfinite(pixels) & np.isfinite(repeated)
    return decrease(repeated[known] - pixels[known]).p_value if known.any() else 1.0


def _spread(images: NDArray[np.float32]) -> float:
    apart = np.linalg.norm(images - np.roll(images, 1, axis=0), axis=1)
    return float(np.median(apart))


def _worse(found: Comparison) -> str:
    parts = [f"alignment with the prompt changed by {found.alignment_change:+.3f} over {found.n} probes"]
    if found.broken:
        parts.insert(0, f"{found.broken} probes gave no usable image any more")
    return "The same prompts and seeds give worse images: " + ", ".join(parts) + "."


def _changed(found: Comparison) -> str:
    if found.changed:
        return (
            f"{found.changed} of {found.n} probes give another image than was stored, on an engine that repeats itself "
            f"to the pixel; the largest mean difference is {found.largest_pixel_difference:.2f} levels of 255."
        )
    return f"{found.n} probes give images of another kind: their embeddings moved together by {found.shift:.3f}."


def _verdict(found: Comparison, health: Health, reason: Reason, summary: str, alpha: float) -> Verdict:
    p_value = found.p_worse if found.rule is Rule.WORSE else min(1.0, 2.0 * min(found.p_worse, found.p_changed))
    return Verdict(
        health,
        reason,
        summary,
        effect=found.alignment_change,
        p_value=p_value,
        threshold=alpha,
        n=found.n,
        evidence=found.to_dict(),
    )
