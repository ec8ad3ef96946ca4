"""A small world with its own eyes: prompts are bags of words, images carry a prompt's vector in their pixels.

For tests that need images which fit their prompts, more or less, without a trained model. `paint` makes them.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from registry.digests import digest_of

_SIDE = 16
_PIXELS = _SIDE * _SIDE * 3
_LONGEST = 24  # words
_CONTRAST = 300.0
_GRAIN = 12.0


class FakeEmbedder:
    """An embedder of `dimensions`; `seed` chooses its eyes, and so its digest."""

    def __init__(self, dimensions: int = 16, seed: int = 0) -> None:
        self._dimensions = dimensions
        self._seed = seed
        basis = np.random.default_rng(seed).standard_normal((_PIXELS, dimensions))
        self._known: dict[str, NDArray[np.float64]] = {}
        self._basis: NDArray[np.float64] = np.linalg.qr(basis - basis.mean(axis=0))[0].T

    @property
    def digest(self) -> str:
        return digest_of(f"fake embedder {self._dimensions} {self._seed}".encode())

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.stack([_unit(self._basis @ _pixels(image)) for image in images])

    def embed_prompts(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        vectors = [_unit(sum(map(self._word, _words(prompt)), start=self._word(""))) for prompt in prompts]
        return np.stack(vectors), [len(prompt.split()) > _LONGEST for prompt in prompts]

    def prompt_features(self, prompts: Sequence[str]) -> None:  # noqa: ARG002 - an Embedder's signature
        return None

    def paint(self, prompt: str, rng: np.random.Generator, fidelity: float = 0.9) -> NDArray[np.uint8]:
        """An image [16, 16, 3] whose cosine with the prompt is about `fidelity`; the rest of it is chance."""
        chance = _unit(rng.standard_normal(self._dimensions))
        code = fidelity * self.embed_prompts([prompt])[0][0] + np.sqrt(1 - fidelity**2) * chance
        pixels = 128 + _CONTRAST * (code @ self._basis) + _GRAIN * rng.standard_normal(_PIXELS)
        return np.asarray(np.clip(pixels, 0, 255), dtype=np.uint8).reshape(_SIDE, _SIDE, 3)

    def _word(self, word: str) -> NDArray[np.float64]:
        if word not in self._known:
            digest = hashlib.sha256(f"{self._seed} {word}".encode("utf-8", "replace")).digest()
            rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
            self._known[word] = rng.standard_normal(self._dimensions)
        return self._known[word]


def _words(prompt: str) -> list[str]:
    return prompt.split()[:_LONGEST]


def _pixels(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    sized = np.asarray(Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64).ravel()
    return np.asarray(sized - sized.mean(), dtype=np.float64)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector + 1 / np.sqrt(len(vector))).astype(np.float32)
