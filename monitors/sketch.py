"""What is kept of any number of generations: sums that merge by addition, in any order, from any number of workers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monitors import codec
from monitors.lens import Features, Lens

_FORMAT = 1
_REPEAT_ROWS = 3
_REPEAT_WIDTH = 256


class DifferentLens(ValueError):
    """Sketches made through different lenses measure different things and never merge."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """Counts and sums over the generations a lens could judge; integers merge exactly, float64 sums to rounding.

    `repeats` is a fast AMS sketch (Thorup & Zhang 2004) of the prompts' multiplicities: the sum of its squares
    estimates their second frequency moment F2, which says how many independent generations there really are.
    """

    lens_digest: str
    judged: int
    unseen: int
    feature_sums: NDArray[np.float64]
    tail_counts: NDArray[np.int64]
    expected_tails: NDArray[np.float64]
    cluster_counts: NDArray[np.int64]
    directed_sums: NDArray[np.float64]
    directed_squares: NDArray[np.float64]
    repeats: NDArray[np.int64]  # [rows, width]

    @classmethod
    def zero(cls, lens: Lens) -> Sketch:
        features, tails, scalars = len(lens.feature_names), len(lens.tail_names), len(lens.scalars)
        return cls(
            lens_digest=lens.digest,
            judged=0,
            unseen=0,
            feature_sums=np.zeros(features),
            tail_counts=np.zeros(tails, np.int64),
            expected_tails=np.zeros(tails),
            cluster_counts=np.zeros(lens.clusters, np.int64),
            directed_sums=np.zeros(scalars),
            directed_squares=np.zeros(scalars),
            repeats=np.zeros((_REPEAT_ROWS, _REPEAT_WIDTH), np.int64),
        )

    @classmethod
    def of(cls, features: Features) -> Sketch:
        lens, judged = features.lens, ~features.unseen
        cluster = features.cluster[judged]
        directed = features.directed[judged].astype(np.float64)
        cluster_counts = np.bincount(cluster, minlength=lens.clusters)
        return cls(
            lens_digest=lens.digest,
            judged=len(cluster),
            unseen=len(features) - len(cluster),
            feature_sums=features.values[judged].sum(axis=0, dtype=np.float64),
            tail_counts=features.tails[judged].sum(axis=0, dtype=np.int64),
            expected_tails=cluster_counts.astype(np.float64) @ lens.calibration.tail_rates.astype(np.float64),
            cluster_counts=cluster_counts.astype(np.int64),
            directed_sums=directed.sum(axis=0),
            directed_squares=(directed**2).sum(axis=0),
            repeats=_count_repeats(features.prompt_keys[judged]),
        )

    @property
    def n(self) -> int:
        """All generations, judged and unseen."""
        return self.judged + self.unseen

    def __add__(self, other: Sketch) -> Sketch:
        if self.lens_digest != other.lens_digest:
            raise DifferentLens("sketches made through different lenses cannot be added")
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self) if f.name != "lens_digest"}
        return Sketch(lens_digest=self.lens_digest, **sums)

    def repeat_moment(self) -> float:
        """An estimate of F2 / n of the prompts: 1 when all differ, n when all are one."""
        if self.judged == 0:
            return 1.0
        estimate = float(np.median((self.repeats.astype(np.float64) ** 2).sum(axis=1)))
        return max(1.0, estimate / self.judged)

    def to_bytes(self) -> bytes:
        arrays = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self) if f.name != "lens_digest"}
        return zlib.compress(codec.pack("sketch", _FORMAT, {"lens": self.lens_digest}, arrays), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """Raises UnreadableArtifact (a ValueError) for bytes that `to_bytes` of this format did not write."""
        try:
            plain = zlib.decompress(data)
        except zlib.error as error:
            raise codec.UnreadableArtifact(f"these bytes are no sketch: {error}") from error
        header, arrays = codec.unpack("sketch", _FORMAT, plain)
        try:
            judged, unseen = int(arrays.pop("judged")), int(arrays.pop("unseen"))
            return cls(lens_digest=header["lens"], judged=judged, unseen=unseen, **arrays)
        except (KeyError, TypeError) as error:
            raise codec.UnreadableArtifact(f"a field is missing or unknown: {error}") from error


def _count_repeats(prompt_keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    counters = np.zeros((_REPEAT_ROWS, _REPEAT_WIDTH), np.int64)
    for row in range(_REPEAT_ROWS):
        mixed = _splitmix(prompt_keys + np.uint64(row))
        column = (mixed % np.uint64(_REPEAT_WIDTH)).astype(np.intp)
        sign = np.where(mixed >> np.uint64(63), 1, -1)
        np.add.at(counters[row], column, sign)
    return counters


def _splitmix(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): each output bit depends on every input bit."""
    keys = keys * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
