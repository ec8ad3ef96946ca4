"""Diffusers as its documentation uses it: no queue, no HTTP, no log. What every service is measured against."""

import io
import os
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from PIL import Image

PROMPT = "a red balloon on a blue background"
STEPS, GUIDANCE, SIDE = 8, 3.0, 64


class BareLoop:
    """One thread, one pipeline."""

    def __init__(self, folder: str | Path) -> None:
        torch.set_num_threads(1)
        diffusers.utils.logging.set_verbosity_error()
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        self._pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        self._pipeline.set_progress_bar_config(disable=True)
        self._seeds = count(1)

    def images(self, seeds: Sequence[int]) -> Any:
        """One batch: [n, height, width, 3] from 0 to 1."""
        made = self._pipeline(
            [PROMPT] * len(seeds),
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            width=SIDE,
            height=SIDE,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="np",
        )
        return made.images

    def rate(self, batch: int, seconds: float, keep: Path | None = None) -> float:
        """Images a second in batches of one size; `keep` is a file that their PNGs are flushed to, batch by batch."""
        images, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            made = self.images([next(self._seeds) for _ in range(batch)])
            if keep is not None:
                _flush(keep, b"".join(map(png, made)))
            images += batch
        return images / (time.perf_counter() - started)


def png(image: Any) -> bytes:
    """Of [height, width, 3] from 0 to 1, as Pillow writes it at its quickest level."""
    buffer = io.BytesIO()
    Image.fromarray((image * 255).round().astype("uint8")).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _flush(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
