"""What is kept of any number of generations: sums that merge by addition, in any order, from any number of workers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitors import codec
from monitors.lens import WORST_LEVELS, Features, Lens

_FORMAT = 3
_FORMAT_WITHOUT_HITS = 2  # what a region or a store may still hold
_REPEAT_WIDTH = 512
_HIT_WIDTH = 128
_HITS = len(WORST_LEVELS) * _HIT_WIDTH
_SCALARS_BEFORE = 2  # `judged` and `unseen` come before all other counts


class DifferentLens(ValueError):
    """Sketches made through different lenses measure different things and never merge."""


@dataclass(frozen=True)
class Layout:
    """How many of each there are: where the parts of a sketch's two vectors begin and end."""

    features: int
    tails: int
    clusters: int
    scalars: int
    leverage: int

    @classmethod
    def of(cls, lens: Lens) -> Layout:
        leverage = len(lens.calibration.leverage_mean)
        return cls(len(lens.feature_names), len(lens.tail_names), lens.clusters, len(lens.scalars), leverage)

    @property
    def counts(self) -> int:
        return _SCALARS_BEFORE + self.tails + self.clusters + _HITS + _REPEAT_WIDTH

    @property
    def sums(self) -> int:
        return self.features + 2 * self.scalars + self.leverage


@dataclass(frozen=True, eq=False)
class Sketch:
    """Counts and sums over the generations a lens could judge; integers merge exactly, float64 sums to rounding.

    The two vectors may have leading axes: a stack of sketches, of one window each, is looked at as one is.
    """

    lens_digest: str
    layout: Layout
    counts: NDArray[np.int64]  # [..., layout.counts]
    sums: NDArray[np.float64]  # [..., layout.sums]

    @classmethod
    def zero(cls, lens: Lens) -> Sketch:
        layout = Layout.of(lens)
        return cls(lens.digest, layout, np.zeros(layout.counts, np.int64), np.zeros(layout.sums))

    @classmethod
    def of(cls, features: Features) -> Sketch:
        judged = ~features.unseen
        layout = Layout.of(features.lens)
        directed = features.directed[judged].astype(np.float64)
        counts = [
            np.array([judged.sum(), features.unseen.sum()]),
            features.tails[judged].sum(axis=0),
            np.bincount(features.cluster[judged], minlength=layout.clusters),
            *(_count_hits(features.prompt_keys[hit]) for hit in worst(features)),
            _count_repeats(features.prompt_keys[judged]),
        ]
        sums = [
            features.values[judged].sum(axis=0, dtype=np.float64),
            directed.sum(axis=0),
            (directed**2).sum(axis=0),
            features.leverage[judged].sum(axis=0, dtype=np.float64),
        ]
        return cls(features.lens.digest, layout, np.concatenate(counts, dtype=np.int64), np.concatenate(sums))

    @classmethod
    def total(cls, sketches: Sequence[Sketch]) -> Sketch:
        """The sum of at least one sketch; the same as adding them one by one, in a fraction of the time."""
        first = sketches[0]
        if len({each.lens_digest for each in sketches}) > 1:
            raise DifferentLens("sketches made through different lenses cannot be added")
        counts, sums = first.counts.copy(), first.sums.copy()
        for each in sketches[1:]:
            counts += each.counts
            sums += each.sums
        return cls(first.lens_digest, first.layout, counts, sums)

    @classmethod
    def stack(cls, sketches: Sequence[Sketch]) -> Sketch:
        """At least one sketch of one lens, each a row."""
        first, rows = sketches[0], len(sketches)
        # One copy of all of them: `np.stack` costs as much again in looking at each.
        counts = np.concatenate([each.counts for each in sketches]).reshape(rows, -1)
        sums = np.concatenate([each.sums for each in sketches]).reshape(rows, -1)
        return cls(first.lens_digest, first.layout, counts, sums)

    def rows(self, which: NDArray[np.bool_]) -> Sketch:
        """Some of a stack."""
        return Sketch(self.lens_digest, self.layout, self.counts[which], self.sums[which])

    def __add__(self, other: Sketch) -> Sketch:
        if self.lens_digest != other.lens_digest:
            raise DifferentLens("sketches made through different lenses cannot be added")
        return Sketch(self.lens_digest, self.layout, self.counts + other.counts, self.sums + other.sums)

    @property
    def judged(self) -> NDArray[np.int64]:
        return self._counts(0, 1)[..., 0]

    @property
    def unseen(self) -> NDArray[np.int64]:
        return self._counts(1, 1)[..., 0]

    @property
    def n(self) -> int:
        """All generations of one sketch, judged and unseen."""
        return int(self.judged + self.unseen)

    @property
    def tail_counts(self) -> NDArray[np.int64]:
        return self._counts(_SCALARS_BEFORE, self.layout.tails)

    @property
    def cluster_counts(self) -> NDArray[np.int64]:
        return self._counts(_SCALARS_BEFORE + self.layout.tails, self.layout.clusters)

    @property
    def hits(self) -> NDArray[np.int64]:
        """[..., levels, counters]: generations in a worse tail of each of `WORST_LEVELS`, by a hash of their prompt."""
        counts = self._counts(_SCALARS_BEFORE + self.layout.tails + self.layout.clusters, _HITS)
        return counts.reshape(*counts.shape[:-1], len(WORST_LEVELS), _HIT_WIDTH)

    @property
    def repeats(self) -> NDArray[np.int64]:
        """A fast AMS sketch (Thorup & Zhang 2004) of the prompts' multiplicities."""
        return self._counts(_SCALARS_BEFORE + self.layout.tails + self.layout.clusters + _HITS, _REPEAT_WIDTH)

    @property
    def feature_sums(self) -> NDArray[np.float64]:
        return self._sums(0, self.layout.features)

    @property
    def directed_sums(self) -> NDArray[np.float64]:
        return self._sums(self.layout.features, self.layout.scalars)

    @property
    def directed_squares(self) -> NDArray[np.float64]:
        return self._sums(self.layout.features + self.layout.scalars, self.layout.scalars)

    @property
    def leverage_sums(self) -> NDArray[np.float64]:
        return self._sums(self.layout.features + 2 * self.layout.scalars, self.layout.leverage)

    @cached_property
    def repeat_moment(self) -> NDArray[np.float64]:
        """An estimate of F2 / n of the prompts: 1 when all differ, n when all are one.

        The sum of the squared counters estimates the second frequency moment F2 without bias, with a relative standard
        error of at most sqrt(2 / width): 6 %.
        """
        return np.asarray(np.maximum(1.0, self._repeat_powers[0] / np.maximum(self.judged, 1)))

    @cached_property
    def repeat_fourth(self) -> NDArray[np.float64]:
        """An estimate of F4 / n of the prompts: 1 when all differ, n^3 when all are one.

        A counter of a prompt that n generations share and of many others is n and a little noise, so its fourth power
        tells a few favourites from many prompts that repeat alike. The sum of squares S2 and of fourth powers S4 have
        E[S4] = F4 + 3 (F2^2 - F4) / width and E[S2^2] = F2^2 + 2 (F2^2 - F4) / width over all hashes, so the estimate
        is without bias where it does not meet its bounds, (F2 / n)^3 and F2^2 / n, between which F4 / n lies. Its
        standard error is about F2^2 / 2000 / n where no prompt stands out.
        """
        second, fourth = self._repeat_powers
        estimate = ((_REPEAT_WIDTH + 2) * fourth - 3.0 * second**2) / (_REPEAT_WIDTH - 1)
        n, moment = np.maximum(self.judged, 1), self.repeat_moment
        return np.asarray(np.minimum(np.maximum(estimate / n, moment**3), n * moment**2))

    @cached_property
    def _repeat_powers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The sums of the counters' squares and fourth powers; not as integers, which would overflow."""
        squares = self.repeats.astype(np.float64) ** 2
        return squares.sum(axis=-1), np.einsum("...i,...i", squares, squares)

    def to_bytes(self) -> bytes:
        narrow = self.counts.astype(np.min_scalar_type(-1 - int(np.abs(self.counts).max())))
        header = {"lens": self.lens_digest, "layout": astuple(self.layout)}
        return zlib.compress(codec.pack("sketch", _FORMAT, header, {"counts": narrow, "sums": self.sums}), 3)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """Raises UnreadableArtifact (a ValueError) for bytes that `to_bytes` of this format, or the one before, did not
        write."""
        try:
            plain = zlib.decompress(data)
        except zlib.error as error:
            raise codec.UnreadableArtifact(f"these bytes are no sketch: {error}") from error
        header, arrays = codec.unpack("sketch", _FORMAT, plain, _FORMAT_WITHOUT_HITS)
        try:
            layout, counts = Layout(*header["layout"]), arrays["counts"].astype(np.int64)
            if header["version"] == _FORMAT_WITHOUT_HITS:
                # Whom those generations hit is not known: they raise no alarm by that test, and hide none.
                counts = np.insert(counts, [max(0, counts.size - _REPEAT_WIDTH)] * _HITS, 0)
            return cls(header["lens"], layout, counts, arrays["sums"])
        except (KeyError, TypeError) as error:
            raise codec.UnreadableArtifact(f"a field is missing or unknown: {error}") from error

    def _counts(self, start: int, length: int) -> NDArray[np.int64]:
        return self.counts[..., start : start + length]

    def _sums(self, start: int, length: int) -> NDArray[np.float64]:
        return self.sums[..., start : start + length]


def worst(features: Features) -> list[NDArray[np.bool_]]:
    """Which generations lie in a worse tail of each of `WORST_LEVELS`, and are judged."""
    return [features.tails[:, tails].any(axis=1) & ~features.unseen for tails in features.lens.worst]


def hit_counter(prompt_keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The counter of each prompt among those of a level."""
    return np.asarray(hashed(prompt_keys)[0] % _HIT_WIDTH)


def _count_hits(prompt_keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.bincount(hit_counter(prompt_keys), minlength=_HIT_WIDTH)


def _count_repeats(prompt_keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    counters = np.zeros(_REPEAT_WIDTH, np.int64)
    column, sign = hashed(prompt_keys)
    np.add.at(counters, column, sign)
    return counters


def hashed(prompt_keys: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The counter of each prompt, and the sign it adds there."""
    mixed = _splitmix(prompt_keys)
    return (mixed % np.uint64(_REPEAT_WIDTH)).astype(np.intp), np.where(mixed >> np.uint64(63), 1, -1)


def _splitmix(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): each output bit depends on every input bit."""
    keys = keys * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
