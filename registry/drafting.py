"""A first manifest for somebody's own checkpoint: defaults such a pipeline works with, for its owner to correct."""

import json
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open

from registry.checkpoint import inspect
from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits

_DENOISERS = ("unet", "transformer")
_USUAL_SIDE = 1024
"""Of pipelines whose denoiser does not say, such as FLUX and Stable Diffusion 3."""
_DTYPES: dict[str, Literal["float32", "float16", "bfloat16"]] = {"F16": "float16", "BF16": "bfloat16"}


def draft_manifest(folder: Path, description: str = "") -> Manifest:
    """A manifest that holds together, read off the checkpoint's configuration. Raises CheckpointRefused."""
    checkpoint = inspect(folder)
    denoiser = next((folder / name for name in _DENOISERS if name in checkpoint.components), None)
    side = _native_side(folder, denoiser)
    return Manifest(
        checkpoint=checkpoint.digest,
        dtype=_dtype(denoiser),
        defaults=Defaults(steps=30, guidance=5.0, width=side, height=side),
        limits=Limits(
            min_side=max(side // 2, 8),
            max_side=side * 2,
            side_multiple=8,
            max_steps=100,
            max_guidance=20.0,
            max_prompt_length=2000,
            max_n=4,
        ),
        golden=(
            Golden(prompt="a photograph of a red apple on a wooden table", seed=1),
            Golden(prompt="a portrait of a smiling old fisherman, studio light", seed=2),
        ),
        description=description,
    )


def _native_side(folder: Path, denoiser: Path | None) -> int:
    """In pixels: the side of the denoiser's latents times what its decoder makes of one latent pixel."""
    latents = _config(denoiser).get("sample_size") if denoiser else None
    if not isinstance(latents, int):
        return _USUAL_SIDE
    blocks = _config(folder / "vae").get("block_out_channels", [])
    return int(latents * 2 ** max(len(blocks) - 1, 0))


def _dtype(denoiser: Path | None) -> Literal["float32", "float16", "bfloat16"]:
    """What most pipelines store is what they are meant to run in."""
    weights = next(denoiser.glob("*.safetensors"), None) if denoiser else None
    if weights is None:
        return "float32"
    with safe_open(weights, framework="numpy") as file:
        name = next(iter(file.keys()), None)
        return _DTYPES.get(file.get_slice(name).get_dtype(), "float32") if name else "float32"


def _config(part: Path) -> dict[str, Any]:
    try:
        config = json.loads((part / "config.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
