"""What is seen of an image where it was made, in the words it is told in: the image itself may stay there."""

import base64
import binascii
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from monitors.signals import image_signals, perceptual_hash
from safelight.scoring.embedder import Embedder
from safelight.store.embedders import KnownEmbedder

# Half precision, as embeddings are kept.
_WIRE = np.dtype("<f2")
_LENGTH_TOLERANCE = 0.01
Level = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Vector = Annotated[str, StringConstraints(max_length=100_000)]


class VectorUnreadable(ValueError):
    """An embedding is not what it should be; says what it is."""


class Seen(BaseModel):
    """Signals of one image, measured at the source with the embedder that is named."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    embedder_digest: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    image_embedding: Vector = Field(description="A unit vector: little-endian half-precision floats in base64")
    prompt_embedding: Vector = Field(description="Of the prompt, in the same way")
    prompt_truncated: bool = False
    sharpness: Level
    contrast: Level
    brightness: Level
    blank: bool = False
    perceptual_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None

    def vectors(self, dimensions: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of the image and of the prompt, [d] each; held to so many `dimensions`. Raises VectorUnreadable."""
        image = _vector("image_embedding", self.image_embedding, dimensions)
        return image, _vector("prompt_embedding", self.prompt_embedding, dimensions)


def looks_with(embedder: Embedder) -> KnownEmbedder:
    """The embedder as it is known to others."""
    return KnownEmbedder(embedder.digest, embedder.embed_prompts([""])[0].shape[1])


def see(embedder: Embedder, prompt: str, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """The `seen` of a generation, from its pixels [H, W, 3], for a source that keeps its images to itself."""
    (image,), (words, truncated) = embedder.embed_images([pixels]), embedder.embed_prompts([prompt])
    return embedded(embedder.digest, image, words[0], pixels, prompt_truncated=truncated[0]).model_dump(mode="json")


def embedded(
    embedder_digest: str,
    image: NDArray[np.float32],
    prompt: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    *,
    prompt_truncated: bool = False,
) -> Seen:
    """Of unit vectors [d] that are there already, and of the pixels [H, W, 3], whose other signals cost little."""
    signals = image_signals(pixels)
    return Seen(
        embedder_digest=embedder_digest,
        image_embedding=_text(image),
        prompt_embedding=_text(prompt),
        prompt_truncated=prompt_truncated,
        sharpness=signals.sharpness,
        contrast=signals.contrast,
        brightness=signals.brightness,
        blank=signals.broken,
        perceptual_hash=f"{perceptual_hash(pixels):016x}",
    )


def _text(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype(_WIRE).tobytes()).decode()


def _vector(name: str, text: str, dimensions: int | None) -> NDArray[np.float32]:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VectorUnreadable(f"{name} is not base64") from None
    if dimensions is not None and len(data) != dimensions * _WIRE.itemsize:
        raise VectorUnreadable(f"{name} is not of {dimensions} half-precision floats: it has {len(data)} bytes")
    vector = np.frombuffer(data, _WIRE).astype(np.float32)
    # Stated as what is allowed: a comparison with NaN is false.
    if not abs(float(np.linalg.norm(vector)) - 1) <= _LENGTH_TOLERANCE:
        raise VectorUnreadable(f"{name} is not of length 1")
    return vector
