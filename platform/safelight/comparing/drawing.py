"""Drawing with a checkpoint on this machine, through the code that serves it, and looking at what came out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitors.probes import Made, Outputs
from monitors.signals import image_signals
from registry.manifest import Manifest
from registry.parameters import Requested
from safelight.clock import Clock
from safelight.comparing.trial import Drawn
from safelight.scoring.embedder import Embedder
from safelight.scoring.measuring import measure
from safelight.serving.rendering import Pipeline, Pixels

_BATCH = 8


@dataclass(frozen=True, eq=False)
class Drawing:
    """The images of the requests in their order, None where there is none to show, and the seconds each took."""

    images: list[Pixels | None]
    seconds: NDArray[np.float64]


def draw(
    folder: Path,
    manifest: Manifest,
    requests: Sequence[Requested],
    *,
    device: str,
    threads: int,
    clock: Clock,
    progress: Callable[[int], None],
) -> Drawing:
    """Load a checkpoint, render every request and let it go again. The first batch is not timed: it warms up.

    Raises what `safelight.serving.pipeline.load` raises, and ParameterError for a request beyond the limits.
    """
    from safelight.serving.pipeline import load  # brings in torch and diffusers

    pipeline: Pipeline = load(folder, manifest, device=device, threads=threads)
    images: list[Pixels | None] = []
    seconds = np.full(len(requests), np.nan)
    for start in range(0, len(requests), _BATCH):
        part = requests[start : start + _BATCH]
        batch = [manifest.resolve(each, fallback_seed=0) for each in part]
        began = clock.monotonic()
        rendered = pipeline.render(batch, lambda: False)
        if start:
            seconds[start : start + len(part)] = (clock.monotonic() - began) / len(part)
        images += [each.pixels for each in rendered]
        progress(len(part))
    return Drawing(images, seconds)


def look(drawing: Drawing, prompts: Sequence[str], embedder: Embedder) -> Drawn:
    """Measure a drawing: what is blank or was never made is broken."""
    good = [i for i, image in enumerate(drawing.images) if image is not None and not image_signals(image).broken]
    made = [Made.BROKEN] * len(prompts)
    for i in good:
        made[i] = Made.GOOD
    alignments = np.full(len(prompts), np.nan)
    vectors: NDArray[np.float32] | None = None
    for start in range(0, len(good), _BATCH):
        part = good[start : start + _BATCH]
        pixels = [image for i in part if (image := drawing.images[i]) is not None]
        for i, found in zip(part, measure(embedder, [prompts[i] for i in part], pixels), strict=True):
            if vectors is None:
                vectors = np.full((len(prompts), len(found.image)), np.nan, np.float32)
            vectors[i], alignments[i] = found.image, found.alignment
    if vectors is None:
        vectors = np.full((len(prompts), 1), np.nan, np.float32)
    return Drawn(Outputs(made, vectors, alignments), drawing.seconds)
