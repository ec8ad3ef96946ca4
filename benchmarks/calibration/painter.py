"""A synthetic generator of images in embedding space: what it is asked and what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.sample import ALIGNMENT, Direction, Sample, Scalar, Schema

Rows = NDArray[np.float32]
DIMENSIONS = 64  # the tests see at most 64 components and a few scalars: more dimensions add only time
SCHEMA = Schema(
    parameters=("log_steps", "guidance"),
    scalars=(
        Scalar(ALIGNMENT, Direction.LOW),
        Scalar("log_sharpness", Direction.NEITHER),
        Scalar("contrast", Direction.NEITHER),
        Scalar("brightness", Direction.NEITHER),
    ),
)


@dataclass(frozen=True, eq=False)
class Prompts:
    """n prompts: embeddings [n, d], topics [n], what a prompt's images share beyond its meaning [n, d], keys [n]."""

    embedding: Rows
    topic: NDArray[np.intp]
    own: Rows
    key: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: NDArray[np.intp] | slice) -> Prompts:
        return Prompts(self.embedding[rows], self.topic[rows], self.own[rows], self.key[rows])

    @classmethod
    def concatenate(cls, parts: Sequence[Prompts]) -> Prompts:
        return cls(
            np.concatenate([each.embedding for each in parts]),
            np.concatenate([each.topic for each in parts]),
            np.concatenate([each.own for each in parts]),
            np.concatenate([each.key for each in parts]),
        )


class Painter:
    """Images follow their prompts not quite linearly, with a noise that differs by topic and by direction.

    `misfit` is the size, in units of that noise, of what a prompt's images share and no model of prompts can know.
    `odd` gives what they share, and `heavy` the noise, Student's t with that many degrees of freedom; `coarse` rounds
    what is read off the pixels.
    """

    def __init__(
        self,
        seed: int,
        *,
        topics: int = 60,
        misfit: float = 0.15,
        odd: float | None = None,
        heavy: float | None = None,
        coarse: bool = False,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.topics, self._misfit, self._odd, self._heavy, self._coarse = topics, misfit, odd, heavy, coarse
        spectrum = np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.5
        spectrum /= np.linalg.norm(spectrum)
        self._topic = unit(rng.standard_normal((topics, DIMENSIONS)))
        self._usual_prompt, self._usual_image = unit(rng.standard_normal((2, DIMENSIONS)))
        self._prompt_noise = spectrum[:, None] * _rotation(rng)
        self._image_noise = spectrum[:, None] * _rotation(rng)
        self._follow = 0.5 * np.eye(DIMENSIONS, dtype=np.float32) + 0.5 * _rotation(rng)
        self._bend = 2.0 * rng.standard_normal((DIMENSIONS, 24)).astype(np.float32)
        self._bent = unit(rng.standard_normal((24, DIMENSIONS))) / 5.0
        self._loudness = rng.uniform(0.7, 1.3, topics).astype(np.float32)
        self._pixels = rng.standard_normal((DIMENSIONS, 3)).astype(np.float32) / 2.0
        self._hue = rng.standard_normal((topics, 3)).astype(np.float32)

    def prompts(self, topic: NDArray[np.intp], rng: np.random.Generator) -> Prompts:
        """A new prompt about each topic."""
        noise = rng.standard_normal((len(topic), DIMENSIONS), dtype=np.float32) @ self._prompt_noise
        embedding = unit(0.9 * self._usual_prompt + 0.6 * self._topic[topic] + 0.45 * noise)
        return Prompts(embedding, topic, self._own(len(topic), rng), _keys(len(topic), rng))

    def reworded(self, prompts: Prompts, amount: float, rng: np.random.Generator) -> Prompts:
        """The same prompts in slightly other words: what their images share stays."""
        noise = rng.standard_normal((len(prompts), DIMENSIONS), dtype=np.float32) @ self._prompt_noise
        return Prompts(unit(prompts.embedding + amount * noise), prompts.topic, prompts.own, _keys(len(prompts), rng))

    def pulled(self, prompts: Prompts, towards: int, amount: float) -> Prompts:
        """The prompts as a rewriter that leans towards one topic hands them on. Equal prompts stay equal."""
        embedding = unit(prompts.embedding + amount * self._topic[towards])
        return Prompts(embedding, prompts.topic, prompts.own, prompts.key ^ np.uint64(1 + towards))

    def paint(self, prompts: Prompts, parameters: Rows, rng: np.random.Generator) -> Sample:
        """One image for each prompt."""
        n = len(prompts)
        asked = prompts.embedding - 0.72 * self._usual_prompt
        meant = 0.75 * self._usual_image + 0.55 * asked @ self._follow + np.tanh(asked @ self._bend) @ self._bent
        meant += 0.05 * (parameters[:, 1:] - 5.0) * self._topic[0] + 0.1 * (parameters[:, :1] - 3.2) * self._topic[1]
        noise = rng.standard_normal((n, DIMENSIONS), dtype=np.float32)
        if self._heavy is not None:
            noise *= _student(self._heavy, n, rng)
        noise = 0.36 * self._loudness[prompts.topic][:, None] * (noise @ self._image_noise)
        images = unit(meant + prompts.own + noise)
        pixels = images @ self._pixels + 0.2 * self._hue[prompts.topic]
        pixels += 0.15 * rng.standard_normal((n, 3), dtype=np.float32)
        if self._coarse:
            pixels = np.round(pixels, 1)
        alignment = (prompts.embedding * images).sum(axis=1, keepdims=True)
        return Sample(
            SCHEMA, prompts.embedding, images, parameters, np.concatenate([alignment, pixels], axis=1), prompts.key
        )

    def _own(self, n: int, rng: np.random.Generator) -> Rows:
        own = rng.standard_normal((n, DIMENSIONS), dtype=np.float32) @ self._image_noise
        if self._odd is not None:
            own *= _student(self._odd, n, rng)
        return np.asarray(0.36 * self._misfit * own, np.float32)


def unit(rows: NDArray[np.floating]) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def _student(freedom: float, n: int, rng: np.random.Generator) -> Rows:
    """What makes normal rows Student's t of the same variance [n, 1]."""
    return np.sqrt((freedom - 2.0) / rng.chisquare(freedom, (n, 1))).astype(np.float32)


def _rotation(rng: np.random.Generator) -> Rows:
    return np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)


def _keys(n: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    return rng.integers(0, 2**63, n, dtype=np.uint64)
