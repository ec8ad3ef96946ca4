"""Recording a stream of generations for a baseline, straight from images: what the studio's baselines are made with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.sample import prompt_key
from registry.parameters import Defaults
from safelight.scoring.embedder import Embedder
from safelight.scoring.measuring import measure
from safelight.watching.recorded import RecordedSample
from safelight.watching.samples import Row, request_parameters, sample, scalar_columns

_BATCH = 64


def record(
    embedder: Embedder,
    bundle_digest: str,
    prompts: Sequence[str],
    parameters: Sequence[Mapping[str, Any]],
    images: Sequence[NDArray[np.uint8]],
    defaults: Defaults,
) -> RecordedSample:
    """Measure images [H, W, 3] as the scorer would.

    `parameters` are those of each request, as resolved; `defaults` are the version's, from its manifest.
    """
    rows = []
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        found = measure(embedder, prompts[part], images[part])
        for prompt, resolved, each in zip(prompts[part], parameters[part], found, strict=True):
            if each.signals.broken:
                continue
            signals = each.signals
            rows.append(
                Row(
                    prompt=each.prompt,
                    image=each.image,
                    parameters=request_parameters(resolved, defaults),
                    scalars=scalar_columns(each.alignment, signals.sharpness, signals.contrast, signals.brightness),
                    prompt_key=prompt_key(prompt),
                )
            )
    return RecordedSample(bundle_digest, embedder.digest, len(images) - len(rows), sample(rows))
