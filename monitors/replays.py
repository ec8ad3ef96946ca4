"""One image made again: is it the same one, as far as the machines that made both can tell?"""

from dataclasses import dataclass
from enum import StrEnum

from monitors.probes import ROUNDING, Repeatability

_EMBEDDING_ROUNDING = 0.002
"""Embeddings are kept in half precision: two of one image may lie so far apart."""


class Likeness(StrEnum):
    """What a replay shows. Stable codes: they are stored and shown."""

    IDENTICAL = "identical"
    WITHIN_TOLERANCE = "within_tolerance"
    BEYOND_TOLERANCE = "beyond_tolerance"
    NOT_MEASURED = "not_measured"  # nobody has measured how well these machines repeat each other
    OTHER_VERSION = "other_version"  # another version may draw another image


@dataclass(frozen=True)
class Replayed:
    """Distances as in `monitors.probes.Repeatability`; the embeddings' is None where an image has none."""

    likeness: Likeness
    summary: str
    pixel_distance: float
    embedding_distance: float | None


def assess(
    pixel: float, embedding: float | None, tolerance: Repeatability | None, *, same_version: bool = True
) -> Replayed:
    """Hold a replay against its original; `tolerance` is how far repetitions lay apart on the machines of both.

    It is the largest distance of n repetitions, which one more exceeds with a probability of 1 / (n + 1).
    """
    likeness = _likeness(pixel, embedding, tolerance, same_version=same_version)
    apart = f"{pixel:.3f} levels of 255 a pixel" + ("" if embedding is None else f", {embedding:.4f} in the embedding")
    return Replayed(likeness, _summary(likeness, apart, tolerance), pixel, embedding)


def _likeness(
    pixel: float, embedding: float | None, tolerance: Repeatability | None, *, same_version: bool
) -> Likeness:
    if pixel == 0.0:
        return Likeness.IDENTICAL
    if not same_version:
        return Likeness.OTHER_VERSION
    if tolerance is None:
        return Likeness.NOT_MEASURED
    near = pixel <= max(tolerance.pixel_max, ROUNDING)
    alike = embedding is None or embedding <= max(tolerance.embedding_max, _EMBEDDING_ROUNDING)
    return Likeness.WITHIN_TOLERANCE if near and alike else Likeness.BEYOND_TOLERANCE


def _summary(likeness: Likeness, apart: str, tolerance: Repeatability | None) -> str:
    measured = f"{tolerance.n} repetitions on these machines lay up to {tolerance.pixel_max:.3f}" if tolerance else ""
    if tolerance:
        measured += f" and {tolerance.embedding_max:.4f} apart"
    match likeness:
        case Likeness.IDENTICAL:
            return "The same image, to the pixel."
        case Likeness.WITHIN_TOLERANCE:
            return f"The same image, as well as these machines repeat it: {apart}; {measured}."
        case Likeness.BEYOND_TOLERANCE:
            return f"Another image: {apart}, but {measured}. The version, its process or what it runs on has changed."
        case Likeness.NOT_MEASURED:
            return f"{apart}. Nobody has measured how well these machines repeat each other: store probes' outputs."
        case Likeness.OTHER_VERSION:
            return f"Another version made it: {apart}."
