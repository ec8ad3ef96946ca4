"""Generations as arrays: what a lens is fitted on and what it looks at."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = "alignment"  # the scalar that says how well an image fits its prompt (CLIPScore)

PARAMETERS = ("log_steps", "guidance", "log_pixels", "log_aspect")


class Direction(StrEnum):
    """Which way a scalar signal gets worse. A change of a `NEITHER` scalar is a difference, not a regression."""

    LOW = "low"
    HIGH = "high"
    NEITHER = "neither"


@dataclass(frozen=True)
class Scalar:
    name: str
    worse: Direction


@dataclass(frozen=True)
class Schema:
    """Names of the columns of a sample. A lens refuses samples with another schema or other dimensions."""

    parameters: tuple[str, ...]
    scalars: tuple[Scalar, ...]


def encode_parameters(*, steps: int, guidance: float, width: int, height: int) -> tuple[float, float, float, float]:
    """Request parameters in the order of `PARAMETERS`, on scales where the difference of two requests is what matters.

    A lens wants what was *asked*: the difference from the defaults of the version that answered. A version that makes
    too few steps by default is then still held against what people got before.
    """
    return (math.log(max(steps, 1)), guidance, math.log(width * height), math.log(width / height))


def prompt_key(prompt: str) -> int:
    """A 64-bit key that tells repeated prompts apart from different ones, the same in every process."""
    return int.from_bytes(hashlib.blake2b(prompt.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def sides(prompt_keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Which half judges a prompt: always the one that did not learn from it."""
    return (prompt_keys & np.uint64(1)).astype(np.intp)


@dataclass(frozen=True, eq=False)
class Sample:
    """n generations: prompts [n, dp], images [n, dx], parameters [n, dc], scalars [n, k], prompt_keys uint64 [n].

    Everything is finite. A generation whose image has no embedding (broken pixels) or no score does not belong here;
    it is counted as blank (see `rates`).
    """

    schema: Schema
    prompts: NDArray[np.float32]
    images: NDArray[np.float32]
    parameters: NDArray[np.float32]
    scalars: NDArray[np.float32]
    prompt_keys: NDArray[np.uint64]

    def __post_init__(self) -> None:
        n = len(self.prompt_keys)
        for name, columns in (
            ("prompts", None),
            ("images", None),
            ("parameters", len(self.schema.parameters)),
            ("scalars", len(self.schema.scalars)),
        ):
            array = np.asarray(getattr(self, name), dtype=np.float32)
            if array.ndim != 2 or len(array) != n or columns not in (None, array.shape[1]):
                raise ValueError(f"{name} has shape {array.shape}; expected ({n}, {columns or 'any'})")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds values that are not finite; leave such generations out and count them")
            object.__setattr__(self, name, array)
        object.__setattr__(self, "prompt_keys", np.asarray(self.prompt_keys, dtype=np.uint64))

    def __len__(self) -> int:
        return len(self.prompt_keys)

    def take(self, rows: NDArray[np.intp] | slice) -> Sample:
        return Sample(
            self.schema,
            self.prompts[rows],
            self.images[rows],
            self.parameters[rows],
            self.scalars[rows],
            self.prompt_keys[rows],
        )

    @classmethod
    def concatenate(cls, samples: Sequence[Sample]) -> Sample:
        if len({sample.schema for sample in samples}) != 1:
            raise ValueError("only samples of one schema can be put together")
        return cls(
            samples[0].schema,
            np.concatenate([s.prompts for s in samples]),
            np.concatenate([s.images for s in samples]),
            np.concatenate([s.parameters for s in samples]),
            np.concatenate([s.scalars for s in samples]),
            np.concatenate([s.prompt_keys for s in samples]),
        )
