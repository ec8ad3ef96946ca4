"""Adapters arrive whole and at their scale, or the version is not served."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from registry.checkpoint import inspect
from registry.manifest import Manifest
from registry.parameters import Requested
from safelight.serving.pipeline import load
from safelight.serving.rendering import Unsupported

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
STYLE = {"name": "style", "file": "adapters/style.safetensors"}


def _adapted(folder: Path, targets: list[str]) -> Path:
    """Write an adapter of random weights for a checkpoint into its folder, as diffusers does."""
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    name = "transformer" if hasattr(pipeline, "transformer") else "unet"
    denoiser = getattr(pipeline, name)
    torch.manual_seed(1)
    # Not a start from zero: an adapter that was trained for a while.
    denoiser.add_adapter(LoraConfig(r=2, target_modules=targets, init_lora_weights=False))
    layers = {f"{name}_lora_layers": get_peft_model_state_dict(denoiser)}
    pipeline.save_lora_weights(folder / "adapters", weight_name="style.safetensors", **layers)
    return folder


@pytest.fixture(scope="module")
def adapted(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A copy of a tiny checkpoint that holds an adapter."""
    root = tmp_path_factory.mktemp("adapted")

    def folder(name: str) -> Path:
        if not (root / name).exists():
            _adapted(shutil.copytree(tiny(name), root / name), ["to_q", "to_k", "to_v"])
        return root / name

    return folder


def image(folder: Path, manifest: Manifest) -> Any:
    pipeline = load(folder, manifest, device="cpu", threads=1)
    asked = manifest.resolve(Requested(prompt="a blue car", seed=1), fallback_seed=0)
    [rendered] = pipeline.render([asked], lambda: False)
    assert rendered.pixels is not None
    return rendered.pixels.astype(int)


@pytest.mark.parametrize("name", ["sd15", "flux-dev"])
def test_an_adapter_changes_the_image_as_far_as_its_scale_says(
    name: str, adapted: Callable[[str], Path], manifest_of: Callable[..., Manifest]
) -> None:
    folder = adapted(name)
    assert "adapters/style.safetensors" in {file.path for file in inspect(folder).files}
    bare = image(folder, manifest_of(folder))
    half = image(folder, manifest_of(folder, adapters=[STYLE | {"scale": 0.5}]))
    full = image(folder, manifest_of(folder, adapters=[STYLE]))
    assert 0 < np.abs(half - bare).mean() < np.abs(full - bare).mean()


def test_two_adapters_add_up(adapted: Callable[[str], Path], manifest_of: Callable[..., Manifest]) -> None:
    folder = adapted("sd15")
    halves = [STYLE | {"name": f"style.{place}", "scale": 0.5} for place in "ab"]
    assert (
        np.abs(
            image(folder, manifest_of(folder, adapters=halves)) - image(folder, manifest_of(folder, adapters=[STYLE]))
        ).max()
        <= 1
    )
    assert manifest_of(folder, adapters=halves).adapter == "style.a+style.b"


def _refusal(folder: Path, manifest: Manifest) -> str:
    with pytest.raises(Unsupported) as refused:
        load(folder, manifest, device="cpu", threads=1)
    return str(refused.value)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        # What diffusers#9950 is about: it warns, and goes on without.
        (lambda weights: {f"other.{key}": weight for key, weight in weights.items()}, "was not made for"),
        (lambda weights: weights | {k.replace("attentions.0", "attentions.7"): w for k, w in weights.items()}, "pairs"),
        (lambda weights: {key: torch.cat([weight, weight], 1) for key, weight in weights.items()}, "was not made for"),
        (lambda weights: {key: torch.zeros_like(weight) for key, weight in weights.items()}, "changes nothing"),
        (lambda weights: {k.replace("lora_", "part_"): weight for k, weight in weights.items()}, "was not made for"),
    ],
    ids=["of another class", "a part finds no place", "of other widths", "untrained", "no adapter at all"],
)
def test_one_that_does_not_arrive_whole_is_refused(
    spoil: Any, why: str, adapted: Callable[[str], Path], manifest_of: Callable[..., Manifest]
) -> None:
    folder = adapted("sd15")
    spoilt = {key: weight.clone().contiguous() for key, weight in spoil(load_file(folder / STYLE["file"])).items()}
    save_file(spoilt, folder / "adapters" / "spoilt.safetensors")
    refusal = _refusal(folder, manifest_of(folder, adapters=[STYLE | {"file": "adapters/spoilt.safetensors"}]))
    assert why in refusal
    assert "Adapter style" in refusal


def test_one_of_another_base_is_refused(
    adapted: Callable[[str], Path], tiny: Any, manifest_of: Callable[..., Manifest], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("sd15"), tmp_path / "mixed")
    (folder / "adapters").mkdir()
    shutil.copy(adapted("flux-dev") / STYLE["file"], folder / "adapters")
    assert "was not made for this checkpoint" in _refusal(folder, manifest_of(folder, adapters=[STYLE]))
