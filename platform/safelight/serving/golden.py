"""The check a loaded version must pass before it gets traffic: it renders its manifest's golden prompts."""

from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image

from monitors.signals import image_signals
from registry.manifest import Golden, Manifest
from registry.parameters import Requested
from safelight.serving.rendering import Finish, Pipeline, Pixels, Rendered

TOLERANCE = 4.0
"""Levels of 255, on average: half precision moves the bundled checkpoints by less than 1, other weights by 9."""


class GoldenResult(StrEnum):
    """What became of a golden prompt."""

    PASSED = "passed"
    NOT_FINITE = "golden_not_finite"
    BLANK = "golden_blank"
    FILTERED = "golden_filtered"
    DIFFERENT = "golden_different"
    """It is an image, and not the one that the version drew when it was registered."""


def assess(rendered: Rendered, kept: Pixels | None = None, tolerance: float = TOLERANCE) -> GoldenResult:
    """Whether a golden image is one: finite, not filtered, of more than one colour, and like the one that was kept."""
    if rendered.finish is Finish.FILTERED:
        return GoldenResult.FILTERED
    if rendered.pixels is None:
        return GoldenResult.NOT_FINITE
    if image_signals(rendered.pixels).blank:
        return GoldenResult.BLANK
    if kept is not None and distance(rendered.pixels, kept) > tolerance:
        return GoldenResult.DIFFERENT
    return GoldenResult.PASSED


def distance(one: Pixels, other: Pixels) -> float:
    """The mean absolute difference in levels of 255; infinite between sizes."""
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one.astype(np.int16) - other).mean())


def check(pipeline: Pipeline, manifest: Manifest, folder: Path) -> tuple[GoldenResult, str]:
    """Render the golden prompts at the version's defaults, up to the first that fails: its result and its prompt.

    `folder` is the checkpoint's, where the images lie that were kept. The renderings also warm the pipeline up, so that
    the first request does not pay for it. Raises OSError for a kept image that cannot be read.
    """
    for golden in manifest.golden:
        kept = None if golden.image is None else np.asarray(Image.open(folder / golden.image).convert("RGB"))
        tolerance = TOLERANCE if golden.tolerance is None else golden.tolerance
        result = assess(draw(pipeline, manifest, golden), kept, tolerance)
        if result is not GoldenResult.PASSED:
            return result, golden.prompt
    return GoldenResult.PASSED, ""


def draw(pipeline: Pipeline, manifest: Manifest, golden: Golden) -> Rendered:
    """One golden prompt, as the check draws it."""
    parameters = manifest.resolve(Requested(prompt=golden.prompt, seed=golden.seed, n=1), fallback_seed=0)
    [rendered] = pipeline.render([parameters], is_stopped=lambda: False)
    return rendered
