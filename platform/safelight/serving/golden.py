"""The check a loaded version must pass before it gets traffic: it renders its manifest's golden prompts."""

from enum import StrEnum

from monitors.signals import image_signals
from registry.manifest import Manifest
from registry.parameters import Requested
from safelight.serving.rendering import Finish, Pipeline, Rendered


class GoldenResult(StrEnum):
    """What became of a golden prompt."""

    PASSED = "passed"
    NOT_FINITE = "golden_not_finite"
    BLANK = "golden_blank"
    FILTERED = "golden_filtered"


def assess(rendered: Rendered) -> GoldenResult:
    """Whether a golden image is one: finite, not filtered, and more than a single colour."""
    if rendered.finish is Finish.FILTERED:
        return GoldenResult.FILTERED
    if rendered.pixels is None:
        return GoldenResult.NOT_FINITE
    return GoldenResult.BLANK if image_signals(rendered.pixels).blank else GoldenResult.PASSED


def check(pipeline: Pipeline, manifest: Manifest) -> tuple[GoldenResult, str]:
    """Render the golden prompts at the version's defaults, up to the first that fails: its result and its prompt.

    The renderings also warm the pipeline up, so that the first request does not pay for it.
    """
    for golden in manifest.golden:
        parameters = manifest.resolve(Requested(prompt=golden.prompt, seed=golden.seed, n=1), fallback_seed=0)
        [rendered] = pipeline.render([parameters], is_stopped=lambda: False)
        result = assess(rendered)
        if result is not GoldenResult.PASSED:
            return result, golden.prompt
    return GoldenResult.PASSED, ""
