"""Draws with the studio's versions, through the code that serves them."""

from __future__ import annotations

from collections.abc import Sequence

from registry.parameters import GenerationParameters, Requested
from safelight.serving import pipeline
from safelight.studio.training.rendering import Pixels
from safelight.studio.versions import BuiltVersion

BATCH = 8


class Sampler:
    def __init__(self, version: BuiltVersion) -> None:
        self._manifest = version.manifest
        self._pipeline = pipeline.load(version.folder, version.manifest, device="cpu", threads=1)

    def draw(self, prompts: Sequence[str], first_seed: int = 0) -> list[Pixels]:
        """An image for each prompt with the version's own defaults; seeds count up from ``first_seed``."""
        requests = [
            self._manifest.resolve(Requested(prompt=prompt), fallback_seed=first_seed + index)
            for index, prompt in enumerate(prompts)
        ]
        return [
            image for start in range(0, len(requests), BATCH) for image in self.render(requests[start : start + BATCH])
        ]

    def render(self, batch: Sequence[GenerationParameters]) -> list[Pixels]:
        """Raises RuntimeError for an image that is not finite: these weights never make one."""
        images = [rendered.pixels for rendered in self._pipeline.render(batch, lambda: False)]
        complete = [image for image in images if image is not None]
        if len(complete) < len(batch):
            raise RuntimeError("the pipeline returned an image that is not finite; the weights are broken")
        return complete
