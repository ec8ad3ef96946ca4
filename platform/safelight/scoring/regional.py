"""Looking at images where they are made: one bucket of time becomes counts and sums, and nothing else leaves."""

import base64
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.lens import Lens
from monitors.sample import prompt_key
from monitors.sketch import Sketch
from registry.parameters import Defaults
from safelight.clock import bucket_start
from safelight.ids import new_id
from safelight.scoring.embedder import Embedder
from safelight.scoring.measuring import Measurement, measure
from safelight.store.sketches import SignalSums
from safelight.watching.samples import Row, request_parameters, sample, scalar_columns


class Region:
    """Gathers what one region's images of one version look like, to be sent to POST /api/v1/ingest/sketches.

    Safe to share between threads. `defaults` are the version's; `bucket_seconds` is what Safelight counts by.
    """

    def __init__(
        self,
        embedder: Embedder,
        baseline: UUID,
        lens: Lens,
        *,
        version: int,
        region: str,
        defaults: Defaults | None = None,
        bucket_seconds: int = 60,
    ) -> None:
        self._embedder = embedder
        self._lens = lens
        self._told = {"baseline": str(baseline), "version": version, "region": region}
        self._defaults = defaults
        self._bucket_seconds = bucket_seconds
        self._buckets: dict[datetime, tuple[Sketch, SignalSums]] = {}
        self._lock = Lock()

    def see(self, at: datetime, prompt: str, parameters: Mapping[str, Any], pixels: NDArray[np.uint8]) -> None:
        """Look at one image [H, W, 3] that was served at a moment. It is forgotten at once."""
        (found,) = measure(self._embedder, [prompt], [pixels])
        one = Sketch.zero(self._lens)
        if not found.signals.broken:
            one = Sketch.of(self._lens.features(sample([self._row(found, prompt, parameters)])))
        start = bucket_start(at, self._bucket_seconds)
        with self._lock:
            sketch, sums = self._buckets.get(start, (Sketch.zero(self._lens), SignalSums()))
            self._buckets[start] = sketch + one, sums + _sums(found)

    def take(self, before: datetime) -> list[dict[str, Any]]:
        """The documents of all buckets that ended `before` a moment, each under an id of its own; they are let go."""
        with self._lock:
            over = [start for start in self._buckets if start < bucket_start(before, self._bucket_seconds)]
            taken = [(start, *self._buckets.pop(start)) for start in sorted(over)]
        return [
            self._told
            | {
                "id": str(new_id()),
                "bucket_start": start.isoformat(),
                "outcomes": {"served": sums.n},
                "signals": vars(sums),
                "sketch": base64.b64encode(sketch.to_bytes()).decode() if sketch.n else None,
            }
            for start, sketch, sums in taken
        ]

    def _row(self, found: Measurement, prompt: str, parameters: Mapping[str, Any]) -> Row:
        seen = found.signals
        return Row(
            prompt=found.prompt,
            image=found.image,
            parameters=request_parameters(parameters, self._defaults),
            scalars=scalar_columns(found.alignment, seen.sharpness, seen.contrast, seen.brightness),
            prompt_key=prompt_key(prompt),
        )


def _sums(found: Measurement) -> SignalSums:
    if found.signals.broken:
        return SignalSums(n=1, blank=1)
    return SignalSums(
        n=1,
        alignment_sum=found.alignment,
        alignment_squares=found.alignment**2,
        sharpness_sum=found.signals.sharpness,
        contrast_sum=found.signals.contrast,
    )
