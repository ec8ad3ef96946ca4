"""What every pipeline does alike, be it diffusers with real weights or the noise that stands in for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry.manifest import Hook, Manifest, Scheduler
from registry.parameters import GenerationParameters, Requested
from safelight.serving import pipeline as pipeline_module
from safelight.serving.environment import environment_digest
from safelight.serving.golden import GoldenResult, check
from safelight.serving.pipeline import load
from safelight.serving.rendering import Finish, Pipeline, Rendered, Stopped, Unsupported


@pytest.fixture
def plain(manifest: Manifest) -> GenerationParameters:
    return manifest.resolve(Requested(prompt="a blue car on a white background", seed=1), fallback_seed=0)


def never() -> bool:
    return False


def pixels(rendered: Rendered) -> np.ndarray[Any, np.dtype[np.uint8]]:
    assert rendered.finish is Finish.COMPLETE
    assert rendered.pixels is not None
    return rendered.pixels


def test_each_entry_of_a_batch_becomes_an_image_of_its_size(pipeline: Pipeline, plain: GenerationParameters) -> None:
    wide = replace(plain, width=64)
    images = [pixels(each) for each in pipeline.render([wide, replace(wide, seed=2)], never)]
    assert [(image.shape, image.dtype.name) for image in images] == [((32, 64, 3), "uint8")] * 2
    assert not np.array_equal(images[0], images[1])


def test_a_seed_gives_the_same_image_again(pipeline: Pipeline, plain: GenerationParameters) -> None:
    [first], [again] = pipeline.render([plain], never), pipeline.render([plain], never)
    assert np.array_equal(pixels(first), pixels(again))


def test_company_in_the_batch_changes_next_to_nothing(pipeline: Pipeline, plain: GenerationParameters) -> None:
    [alone] = pipeline.render([plain], never)
    together = pipeline.render([replace(plain, seed=9, prompt="a cat"), plain], never)[1]
    # Not the same to the bit: other batch sizes run other kernels.
    assert np.abs(pixels(alone).astype(int) - pixels(together)).max() <= 2


def test_the_prompt_matters(pipeline: Pipeline, plain: GenerationParameters) -> None:
    [one], [other] = pipeline.render([plain], never), pipeline.render([replace(plain, prompt="a red star")], never)
    assert not np.array_equal(pixels(one), pixels(other))


def test_rendering_stops_between_steps(pipeline: Pipeline, plain: GenerationParameters) -> None:
    asked = iter([False, True])
    with pytest.raises(Stopped):
        pipeline.render([replace(plain, steps=50)], lambda: next(asked))
    assert next(asked, None) is None
    assert pixels(pipeline.render([plain], never)[0]).shape == (32, 32, 3)


def test_it_tells_what_it_runs_on(pipeline: Pipeline) -> None:
    assert pipeline.environment.keys() >= {"device", "dtype", "threads"}
    assert environment_digest(pipeline.environment).startswith("sha256:")
    assert pipeline.scheduler


def test_it_passes_its_golden_check(pipeline: Pipeline, manifest: Manifest, folder: Path) -> None:
    assert check(pipeline, manifest, folder) == (GoldenResult.PASSED, "")


# What only the real one can be asked.


def test_a_negative_prompt_has_its_effect(folder: Path, manifest: Manifest, plain: GenerationParameters) -> None:
    real = load(folder, manifest, device="cpu", threads=1)
    [one] = real.render([plain], never)
    [other] = real.render([replace(plain, negative_prompt="a red star")], never)
    assert not np.array_equal(pixels(one), pixels(other))


def test_the_manifest_replaces_the_scheduler(folder: Path, manifest: Manifest) -> None:
    scheduler = Scheduler(class_name="EulerDiscreteScheduler", config={"use_karras_sigmas": False})
    changed = load(folder, manifest.model_copy(update={"scheduler": scheduler}), device="cpu", threads=1)
    assert changed.scheduler == "EulerDiscreteScheduler"


@pytest.mark.parametrize(
    "left_out",
    [
        {"prompt_rewriter": Hook(name="polish", revision="1")},
        {"filters": (Hook(name="nudity", revision="1"),)},
        {"scheduler": Scheduler(class_name="AutoencoderKL")},
        {"scheduler": Scheduler(class_name="NoSuchScheduler")},
    ],
)
def test_what_it_would_have_to_leave_out_is_refused(folder: Path, manifest: Manifest, left_out: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        load(folder, manifest.model_copy(update=left_out), device="cpu", threads=1)


def test_values_that_are_not_finite_are_no_image(folder: Path, manifest: Manifest, plain: GenerationParameters) -> None:
    real = load(folder, manifest, device="cpu", threads=1)
    for parameter in real._pipeline.vae.parameters():
        parameter.data.fill_(float("nan"))
    assert real.render([plain], never) == [Rendered(Finish.NOT_FINITE)]


def test_an_environment_names_the_libraries_of_when_its_process_started(
    folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may wait for its version while another release is installed beneath it."""
    before = load(folder, manifest, device="cpu", threads=1).environment
    monkeypatch.setattr(pipeline_module, "version", lambda _library: "99.0")
    assert load(folder, manifest, device="cpu", threads=1).environment == before
