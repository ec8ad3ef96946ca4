"""Checkpoints of every class load by their own model_index.json and keep what the contract of pipelines promises."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry.drafting import draft_manifest
from registry.manifest import Manifest
from registry.parameters import GenerationParameters, Requested
from safelight.serving.golden import GoldenResult, check
from safelight.serving.pipeline import DiffusersPipeline, load
from safelight.serving.rendering import RequestUnsupported, Unsupported

# Diffusers turns a tensor into an array in a way that NumPy will give up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLASSES = ["sd15", "lcm", "sdxl", "sd3", "flux-dev", "flux-schnell"]
Tiny = Callable[[str], Path]
ManifestOf = Callable[..., Manifest]


@pytest.fixture(scope="module")
def loaded(tiny: Tiny, manifest_of: ManifestOf) -> Callable[..., DiffusersPipeline]:
    kept: dict[str, DiffusersPipeline] = {}

    def get(name: str, **changes: object) -> DiffusersPipeline:
        if changes:
            return load(tiny(name), manifest_of(tiny(name), **changes), device="cpu", threads=1)
        if name not in kept:
            kept[name] = load(tiny(name), manifest_of(tiny(name)), device="cpu", threads=1)
        return kept[name]

    return get


@pytest.fixture
def plain(tiny: Tiny, manifest_of: ManifestOf) -> GenerationParameters:
    return manifest_of(tiny("sd15")).resolve(Requested(prompt="a blue car", seed=1), fallback_seed=0)


def draw(pipeline: DiffusersPipeline, *batch: GenerationParameters) -> Any:
    rendered = pipeline.render(batch, lambda: False)
    return np.stack([each.pixels for each in rendered if each.pixels is not None]).astype(int)


@pytest.mark.parametrize("name", CLASSES)
def test_it_draws_what_its_seed_and_prompt_ask_for(name: str, loaded: Any, plain: GenerationParameters) -> None:
    pipeline = loaded(name)
    wide = replace(plain, width=64)
    [image] = draw(pipeline, wide)
    assert image.shape == (32, 64, 3)
    assert np.array_equal(draw(pipeline, wide)[0], image)
    assert np.abs(draw(pipeline, replace(wide, seed=2))[0] - image).mean() > 1
    assert np.abs(draw(pipeline, replace(wide, prompt="zebras"))[0] - image).max() > 1
    assert np.abs(draw(pipeline, replace(wide, guidance=9.0))[0] - image).max() > 1


@pytest.mark.parametrize("name", CLASSES)
def test_a_seed_gives_its_image_in_any_company(name: str, loaded: Any, plain: GenerationParameters) -> None:
    pipeline = loaded(name)
    [alone] = draw(pipeline, plain)
    company = [replace(plain, seed=seed, prompt="a cat on a mat by the sea") for seed in (7, 8)]
    assert np.abs(draw(pipeline, *company, plain)[2] - alone).max() <= 2


@pytest.mark.parametrize("name", CLASSES)
def test_it_passes_its_golden_check(name: str, loaded: Any, tiny: Tiny, manifest_of: ManifestOf) -> None:
    assert check(loaded(name), manifest_of(tiny(name)), tiny(name))[0] is GoldenResult.PASSED


@pytest.mark.parametrize("name", ["sd15", "sdxl", "sd3", "flux-schnell"])
def test_a_negative_prompt_works_through_guidance(name: str, loaded: Any, plain: GenerationParameters) -> None:
    pipeline = loaded(name)
    unwanted = replace(plain, negative_prompt="zebras")
    assert np.abs(draw(pipeline, unwanted) - draw(pipeline, plain)).max() > 1
    with pytest.raises(RequestUnsupported, match="above 1"):
        draw(pipeline, replace(unwanted, guidance=0.0))


@pytest.mark.parametrize(("name", "why"), [("lcm", "takes no negative prompt"), ("flux-dev", "true_cfg_scale above 1")])
def test_a_distilled_one_refuses_a_negative_prompt_rather_than_lose_it(
    name: str, why: str, loaded: Any, plain: GenerationParameters
) -> None:
    with pytest.raises(RequestUnsupported, match=why):
        draw(loaded(name), replace(plain, negative_prompt="zebras"))


def test_true_guidance_beside_the_distilled_one(loaded: Any, plain: GenerationParameters) -> None:
    pipeline, without = loaded("flux-dev", true_cfg_scale=4.0), loaded("flux-dev")
    unwanted = replace(plain, negative_prompt="zebras")
    [one], [other] = draw(pipeline, plain), draw(pipeline, unwanted)
    assert np.abs(one - other).max() > 1
    assert np.abs(one - draw(without, plain)[0]).max() > 1
    # Also beside one that names no negative prompt.
    assert np.abs(draw(pipeline, unwanted, plain)[1] - one).max() <= 2


def test_few_steps_without_guidance(loaded: Any, plain: GenerationParameters) -> None:
    bare = replace(plain, steps=1, guidance=0.0)
    for name in ("sdxl", "flux-schnell"):
        assert draw(loaded(name), bare).shape == (1, 32, 32, 3)


def test_how_much_of_a_prompt_is_read(loaded: Any, plain: GenerationParameters) -> None:
    long = replace(plain, prompt="a car " * 20 + "in the rain")
    short = loaded("sd3", max_sequence_length=16)
    assert np.abs(draw(short, long) - draw(loaded("sd3"), long)).max() > 1


def test_the_manifest_may_name_another_pipeline_over_the_same_parts(loaded: Any, plain: GenerationParameters) -> None:
    pipeline = loaded("sd15", pipeline_class="StableDiffusionPAGPipeline")
    assert np.abs(draw(pipeline, plain) - draw(loaded("sd15"), plain)).max() > 1


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("sd15", {"pipeline_class": "NoSuchPipeline"}, "has no pipeline NoSuchPipeline"),
        ("sd15", {"pipeline_class": "AutoencoderKL"}, "has no pipeline AutoencoderKL"),
        ("sd15", {"pipeline_class": "StableDiffusionUpscalePipeline"}, None),
        ("sd15", {"pipeline_class": "StableVideoDiffusionPipeline"}, "prompts alone"),
        ("sd15", {"true_cfg_scale": 2.0}, "no use for true_cfg_scale"),
        ("flux-schnell", {"true_cfg_scale": 2.0}, "no use for true_cfg_scale"),
        ("sd15", {"max_sequence_length": 77}, "no use for max_sequence_length"),
    ],
)
def test_what_it_would_have_to_leave_out_is_refused(
    name: str, changes: dict[str, object], why: str | None, loaded: Any
) -> None:
    with pytest.raises((Unsupported, ValueError, TypeError), match=why):
        loaded(name, **changes)


@pytest.mark.parametrize(("name", "multiple"), [("sd15", 8), ("sdxl", 8), ("sd3", 16), ("flux-dev", 16)])
def test_sides_that_the_pipeline_would_cut_down_are_refused(
    name: str, multiple: int, loaded: Any, manifest_of: ManifestOf, tiny: Tiny
) -> None:
    limits = manifest_of(tiny(name)).limits.model_dump()
    loaded(name, limits=limits | {"side_multiple": multiple})
    with pytest.raises(Unsupported, match=f"multiples of {multiple}"):
        loaded(name, limits=limits | {"side_multiple": multiple // 2})
    loaded(name, limits=limits | {"side_multiple": 1, "sizes": [{"width": 64, "height": 32}]}, defaults={
        "steps": 2, "guidance": 3, "width": 64, "height": 32,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("name", "steps", "guidance", "multiple"),
    [
        ("sd15", 30, 5.0, 8),
        ("lcm", 4, 8.0, 8),
        ("sdxl", 30, 5.0, 8),
        ("sd3", 30, 5.0, 16),
        ("flux-dev", 28, 3.5, 16),
        ("flux-schnell", 4, 0.0, 16),
    ],
)
def test_a_drafted_manifest_is_one_that_it_loads_with(
    name: str, steps: int, guidance: float, multiple: int, tiny: Tiny
) -> None:
    manifest = draft_manifest(tiny(name))
    assert (manifest.defaults.steps, manifest.defaults.guidance) == (steps, guidance)
    assert manifest.limits.side_multiple == multiple
    load(tiny(name), manifest, device="cpu", threads=1)
