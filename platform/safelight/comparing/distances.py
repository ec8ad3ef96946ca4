"""How far two samples of embeddings are apart, by the measures people know. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.frechet import clip_fd
from monitors.kid import kid
from monitors.mmd import RandomFeatures, cmmd, grouped_sums
from safelight.comparing.documents import Distance, Figure, Note, Space

_UNITS = {
    "clip_fd": "squared length, of unit vectors; without the bias of few images",
    "cmmd": "a thousand times the squared discrepancy at a bandwidth of 10; unbiased",
    "kid": "squared discrepancy with a cubic kernel; unbiased",
}


@dataclass(frozen=True, eq=False)
class Embedded:
    """The images [n, d] of a version, the prompts [n, d] they were asked for with, and these prompts' keys [n]."""

    version: int
    images: NDArray[np.float32]
    prompts: NDArray[np.float32]
    keys: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.keys)


def distances(a: Embedded, b: Embedded) -> Iterator[Distance]:
    """Between the images, and how much of it may be people having asked for other things. None of nothing."""
    if not len(a) or not len(b):
        return
    versions = (a.version, b.version)
    yield _distance("clip_fd", Space.IMAGES, versions, Figure.of(clip_fd(a.images, b.images, a.keys, b.keys)))
    yield _distance("cmmd", Space.IMAGES, versions, _cmmd(a, b, Space.IMAGES))
    yield _distance("kid", Space.IMAGES, versions, Figure.of(kid(a.images, b.images, a.keys, b.keys)))
    yield _distance("cmmd", Space.PROMPTS, versions, _cmmd(a, b, Space.PROMPTS))


def other_prompts(found: Distance) -> Note | None:
    """A warning where the prompts of two versions differ beyond doubt."""
    if found.of is not Space.PROMPTS or found.figure.low is None or found.figure.low <= 0:
        return None
    first, second = found.versions
    return Note(
        code="different_prompts",
        text=f"People asked versions {first} and {second} for different things: part of what their images differ by is "
        "that. Alignment allows for it in part; for an even comparison use the same prompts (safelight try).",
    )


def _cmmd(a: Embedded, b: Embedded, space: Space) -> Figure:
    first, second = (each.images if space is Space.IMAGES else each.prompts for each in (a, b))
    features = RandomFeatures.draw(first.shape[1])
    return Figure.of(cmmd(grouped_sums(features, first, a.keys), grouped_sums(features, second, b.keys)))


def _distance(name: str, space: Space, versions: tuple[int, int], figure: Figure) -> Distance:
    return Distance.model_validate(
        {"name": name, "of": space, "versions": versions, "figure": figure, "unit": _UNITS[name]}
    )
