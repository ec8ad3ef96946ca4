"""Quantised, compiled and offloaded, a checkpoint still draws, and draws much the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry.manifest import Manifest
from registry.parameters import Requested
from safelight.serving.environment import environment_digest
from safelight.serving.pipeline import DiffusersPipeline, load
from safelight.serving.rendering import Unsupported

ManifestOf = Callable[..., Manifest]


def loaded(folder: Path, manifest: Manifest) -> DiffusersPipeline:
    return load(folder, manifest, device="cpu", threads=1)


def image(pipeline: DiffusersPipeline, manifest: Manifest) -> Any:
    asked = manifest.resolve(Requested(prompt="a blue car", seed=1), fallback_seed=0)
    [rendered] = pipeline.render([replace(asked, guidance=1.0)], lambda: False)
    assert rendered.pixels is not None
    return rendered.pixels.astype(int)


@pytest.mark.parametrize("scheme", ["int8_weight_only", "int8_dynamic", "float8_weight_only"])
def test_fewer_bits_change_the_image_a_little(scheme: str, tiny: Any, manifest_of: ManifestOf) -> None:
    folder = tiny("flux-schnell")
    plain = loaded(folder, manifest_of(folder))
    manifest = manifest_of(folder, quantisation={"scheme": scheme})
    fewer = loaded(folder, manifest)
    assert 0 < np.abs(image(fewer, manifest) - image(plain, manifest)).mean() < 10
    assert "torchao" in fewer.environment
    assert environment_digest(fewer.environment) != environment_digest(plain.environment)


def test_the_manifest_says_which_components(tiny: Any, manifest_of: ManifestOf) -> None:
    folder = tiny("sd3")
    both = {"scheme": "int8_weight_only", "components": ["transformer", "text_encoder_3"]}
    pipeline = loaded(folder, manifest_of(folder, quantisation=both))._pipeline
    kinds = {
        name: {type(each.weight).__name__ for each in getattr(pipeline, name).modules() if _linear(each)}
        for name in ("transformer", "text_encoder_3", "text_encoder")
    }
    assert kinds["transformer"] == kinds["text_encoder_3"] == {"Int8Tensor"}
    assert kinds["text_encoder"] == {"Parameter"}
    with pytest.raises(Unsupported, match="no component unet to quantise; this pipeline has"):
        loaded(folder, manifest_of(folder, quantisation=both | {"components": ["unet"]}))


def _linear(module: Any) -> bool:
    return type(module).__name__ == "Linear"


@pytest.mark.parametrize("extent", ["blocks", "whole"])
def test_the_denoiser_is_compiled_when_it_first_runs(extent: str, tiny: Any, manifest_of: ManifestOf) -> None:
    folder = tiny("sd15")
    unet = loaded(folder, manifest_of(folder, compile=extent))._pipeline.unet
    compiled = {type(each).__name__ for each in unet.modules() if each._compiled_call_impl is not None}
    assert compiled == ({"UNet2DConditionModel"} if extent == "whole" else {"BasicTransformerBlock"})


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_without_a_gpu_there_is_nothing_to_offload(offload: str, tiny: Any, manifest_of: ManifestOf) -> None:
    folder = tiny("sd15")
    manifest = manifest_of(folder, offload=offload)
    assert np.array_equal(
        image(loaded(folder, manifest), manifest), image(loaded(folder, manifest_of(folder)), manifest)
    )
