"""From a logged image to its score: read it, look at it, or say why there is nothing to be seen."""

import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from safelight.clock import Clock
from safelight.scoring.embedder import Embedder
from safelight.scoring.fold import Scored
from safelight.scoring.measuring import BrokenReason, Measurement, decode, measure
from safelight.scoring.seen import Seen
from safelight.store.scores import GenerationScore, Waiting

_log = logging.getLogger(__name__)


class ImageReader(Protocol):
    """Reads stored images."""

    def read(self, key: str) -> bytes:
        """The encoded image. Raises FileNotFoundError where there is none, another OSError where the store is away."""
        ...


class Examiner:
    """Scores images with one embedder."""

    def __init__(self, images: ImageReader, embedder: Embedder, clock: Clock) -> None:
        self._images = images
        self._embedder = embedder
        self._clock = clock

    @property
    def embedder_digest(self) -> str:
        return self._embedder.digest

    def examine(self, tasks: Sequence[Waiting]) -> list[Scored]:
        """A score for each, in the order of their ids. Raises OSError while the image store is away."""
        told = [(task, self._told(task, Seen.model_validate(task.told))) for task in tasks if task.told is not None]
        loaded = [(task, self._load(task)) for task in tasks if task.told is None]
        readable = [(task, image) for task, image in loaded if not isinstance(image, BrokenReason)]
        found = measure(self._embedder, [task.prompt for task, _ in readable], [image for _, image in readable])
        scored = [(task, self._score(task, each)) for (task, _), each in zip(readable, found, strict=True)]
        broken = [(task, self._broken(task, why)) for task, why in loaded if isinstance(why, BrokenReason)]
        return sorted(told + scored + broken, key=lambda each: each[0].generation_id)

    def _told(self, task: Waiting, seen: Seen) -> GenerationScore:
        """What was seen at the source, taken for what it says: it was held to this embedder when it came in."""
        image, prompt = seen.vectors()
        features = self._embedder.prompt_features([task.prompt])
        return GenerationScore(
            generation_id=task.generation_id,
            generator=task.generator,
            version=task.version,
            scored_at=self._clock.now(),
            embedder_digest=seen.embedder_digest,
            alignment=float(image @ prompt),
            sharpness=seen.sharpness,
            contrast=seen.contrast,
            brightness=seen.brightness,
            blank=seen.blank,
            perceptual_hash=None if seen.perceptual_hash is None else int(seen.perceptual_hash, 16),
            prompt_truncated=seen.prompt_truncated,
            image_embedding=image,
            prompt_embedding=prompt if features is None else features[0],
        )

    def _load(self, task: Waiting) -> NDArray[np.uint8] | BrokenReason:
        if task.image_key is None:
            return BrokenReason.MISSING
        try:
            return decode(self._images.read(task.image_key))
        except FileNotFoundError:
            return BrokenReason.MISSING
        except ValueError:
            return BrokenReason.UNDECODABLE

    def _score(self, task: Waiting, found: Measurement) -> GenerationScore:
        return GenerationScore(
            generation_id=task.generation_id,
            generator=task.generator,
            version=task.version,
            scored_at=self._clock.now(),
            embedder_digest=self._embedder.digest,
            alignment=found.alignment,
            sharpness=found.signals.sharpness,
            contrast=found.signals.contrast,
            brightness=found.signals.brightness,
            blank=found.signals.broken,
            perceptual_hash=found.hash,
            prompt_truncated=found.prompt_truncated,
            image_embedding=found.image,
            prompt_embedding=found.prompt,
        )

    def _broken(self, task: Waiting, why: BrokenReason) -> GenerationScore:
        _log.warning("generation %s cannot be scored: %s", task.generation_id, why)
        return GenerationScore(
            generation_id=task.generation_id,
            generator=task.generator,
            version=task.version,
            scored_at=self._clock.now(),
            embedder_digest=self._embedder.digest,
            broken_reason=why.value,
        )
