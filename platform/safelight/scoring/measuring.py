"""What can be read of one image and its prompt."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monitors.signals import ImageSignals, image_signals, perceptual_hash
from safelight.scoring.embedder import Embedder

_FORMATS = ("PNG", "JPEG", "WEBP")


class BrokenReason(StrEnum):
    """Why there are no pixels to judge."""

    MISSING = "image_missing"
    UNDECODABLE = "image_undecodable"


@dataclass(frozen=True, eq=False)
class Measurement:
    """`alignment` is the cosine of the embedder's two unit vectors (CLIPScore without its factor; Hessel et al. 2021).

    `prompt` is what a lens goes by: the embedder's vector, or features of a space of its own.
    """

    alignment: float
    signals: ImageSignals
    hash: int
    image: NDArray[np.float32]
    prompt: NDArray[np.float32]
    prompt_truncated: bool


def decode(content: bytes) -> NDArray[np.uint8]:
    """The pixels [H, W, 3] of an encoded image. Raises ValueError for bytes that are none."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # decoders raise whatever their format's parser happened to trip over
        raise ValueError(f"these bytes are no image: {error}") from error


def measure(embedder: Embedder, prompts: Sequence[str], images: Sequence[NDArray[np.uint8]]) -> list[Measurement]:
    """Measure images, each against its prompt, in one pass of the embedder."""
    if not images:
        return []
    seen = embedder.embed_images(images)
    asked, truncated = embedder.embed_prompts(prompts)
    features = embedder.prompt_features(prompts)
    return [
        Measurement(
            alignment=float(picture @ words),
            signals=image_signals(pixels),
            hash=perceptual_hash(pixels),
            image=picture,
            prompt=read,
            prompt_truncated=cut,
        )
        for pixels, picture, words, cut, read in zip(
            images, seen, asked, truncated, asked if features is None else features, strict=True
        )
    ]
