"""A first manifest for somebody's own checkpoint: defaults such a pipeline works with, for its owner to correct."""

import json
import math
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
    steps, guidance = _usual_steps(checkpoint.pipeline_class, denoiser)
    return Manifest(
        checkpoint=checkpoint.digest,
        dtype=_dtype(denoiser),
        defaults=Defaults(steps=steps, guidance=guidance, width=side, height=side),
        limits=Limits(
            min_side=max(side // 2, 8),
            max_side=side * 2,
            side_multiple=_side_multiple(folder, denoiser),
            max_steps=100,
            max_guidance=20.0 if guidance else 0.0,
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


def _side_multiple(folder: Path, denoiser: Path | None) -> int:
    """In pixels: what the decoder makes of one latent pixel, and of how many of these a transformer makes one token."""
    vae, model = _config(folder / "vae"), _config(denoiser) if denoiser else {}
    latent = 2 ** max(len(vae.get("block_out_channels", [])) - 1, 0)
    patch = model.get("patch_size")
    # FLUX and its kin pack two by two latent pixels before their transformer sees them, whose patches are then of 1.
    packed = bool(patch) and model.get("in_channels") == 4 * vae.get("latent_channels", 0)
    return math.lcm(8, latent * (patch if isinstance(patch, int) else 1) * (2 if packed else 1))


def _usual_steps(pipeline_class: str, denoiser: Path | None) -> tuple[int, float]:
    """Steps and guidance: few and none where a checkpoint was distilled to need no more."""
    config = _config(denoiser) if denoiser else {}
    if config.get("time_cond_proj_dim") is not None:
        return 4, 8.0
    if pipeline_class.startswith("Flux") and "guidance_embeds" in config:
        return (28, 3.5) if config["guidance_embeds"] else (4, 0.0)
    return 30, 5.0


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
