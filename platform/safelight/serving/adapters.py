"""Puts the adapters of a version into its pipeline: for good, so that they cost nothing when images are made."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from registry.manifest import Adapter
from safelight.serving.rendering import Unsupported

# The second matrix of a low-rank pair, as PEFT, diffusers and kohya name it: zero in a pair that was never trained.
_UP = re.compile(r"(lora_B|lora_up|\.up)\.weight$")

_NAME = "adapter"
"""Inside the pipeline, for PyTorch makes paths of dots, which the manifest's names may hold."""


def apply(pipeline: Any, folder: Path, adapters: Sequence[Adapter]) -> None:
    """Load the adapters at their scales and merge them into the weights. Raises Unsupported.

    Diffusers says in a warning that keys were left over; an adapter of which a part is missing makes other images than
    it was trained to, so here all of them arrive or the version is not served.
    """
    if not adapters:
        return
    if not hasattr(pipeline, "load_lora_weights"):
        raise Unsupported(f"{type(pipeline).__name__} takes no adapters. Register the version without.")
    for adapter in adapters:
        # One after the other: what is merged is a plain weight again, and PEFT warns of company.
        _load(pipeline, folder, adapter)
        pipeline.set_adapters(_NAME, adapter.scale)
        pipeline.fuse_lora(adapter_names=[_NAME])
        pipeline.unload_lora_weights()


def _load(pipeline: Any, folder: Path, adapter: Adapter) -> None:
    where = {"weight_name": adapter.file, "use_safetensors": True, "local_files_only": True}
    unet = {"unet_config": pipeline.unet.config} if hasattr(pipeline, "unet") else {}
    try:
        told = pipeline.lora_state_dict(str(folder), **where, **unet)
        pipeline.load_lora_weights(str(folder), adapter_name=_NAME, **where)
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        # Names or shapes that the base does not have: each of the loaders has its own way to say so.
        raise _other_base(adapter, f"{type(error).__name__}: {error}") from error
    weights = told[0] if isinstance(told, tuple) else told
    given = sum(1 for key, weight in weights.items() if _UP.search(key) and torch.any(weight != 0))
    loaded = sum(1 for weight in _up_weights(pipeline) if torch.any(weight != 0))
    if not given:
        raise Unsupported(f"Adapter {adapter.name} changes nothing: all of its weights are zero, or none is low-rank.")
    if loaded != given:
        raise _other_base(adapter, f"{loaded} of its {given} pairs of matrices found their place")


def _up_weights(pipeline: Any) -> Iterator[torch.Tensor]:
    for component in pipeline.components.values():
        if not isinstance(component, torch.nn.Module):
            continue
        for module in component.modules():
            up = getattr(module, "lora_B", None)
            if isinstance(up, torch.nn.ModuleDict) and _NAME in up:
                weight: Any = up[_NAME].weight
                yield weight


def _other_base(adapter: Adapter, found: str) -> Unsupported:
    return Unsupported(
        f"Adapter {adapter.name} was not made for this checkpoint ({found[:300]}). Take the adapter that was, or the "
        "checkpoint that it was made for."
    )
