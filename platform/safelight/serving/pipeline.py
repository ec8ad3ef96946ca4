"""The one door to diffusers: loads a checkpoint's folder and renders batches with it."""

import inspect
import platform
import socket
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray

from registry.manifest import Manifest
from registry.parameters import GenerationParameters
from safelight.serving.rendering import Finish, Rendered, Stopped

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


class Unsupported(Exception):
    """The version asks for something that this engine cannot do; serving it without would serve something else."""


class DiffusersPipeline:
    """A checkpoint loaded on one device. Construct it with `load`."""

    def __init__(self, pipeline: Any, device: torch.device, dtype: str) -> None:
        self._pipeline = pipeline
        self._accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        self.environment: Mapping[str, str | int] = _describe(device, dtype)

    @property
    def scheduler(self) -> str:
        return type(self._pipeline.scheduler).__name__

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        """See `safelight.serving.rendering.Pipeline`. Raises Unsupported for a negative prompt that would be lost."""

        def after_step(_pipeline: Any, _step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            # Diffusers' own interrupt returns a half-denoised image as if nothing had happened.
            if is_stopped():
                raise Stopped
            return tensors

        first = batch[0]
        arguments: dict[str, Any] = {
            "prompt": [each.prompt for each in batch],
            "width": first.width,
            "height": first.height,
            "num_inference_steps": first.steps,
            "guidance_scale": first.guidance,
            # On the CPU, whatever the device: a seed then starts from the same noise everywhere.
            "generator": [torch.Generator("cpu").manual_seed(each.seed) for each in batch],
            "callback_on_step_end": after_step,
        }
        if any(each.negative_prompt for each in batch):
            if "negative_prompt" not in self._accepted:
                raise Unsupported(f"{type(self._pipeline).__name__} takes no negative prompt.")
            arguments["negative_prompt"] = [each.negative_prompt for each in batch]
        with torch.inference_mode():
            output = self._pipeline(output_type="np", **{k: v for k, v in arguments.items() if k in self._accepted})
        flags = getattr(output, "nsfw_content_detected", None) or [False] * len(batch)
        return [_finish(image, flag) for image, flag in zip(output.images, flags, strict=True)]


def load(folder: Path, manifest: Manifest, *, device: str, threads: int) -> DiffusersPipeline:
    """Load a verified checkpoint as its manifest says.

    `device` is auto, cpu, cuda, cuda:1 ...; auto takes a GPU when there is one. Raises Unsupported for parts of a
    bundle that would have to be left out, and OSError or ValueError for a folder that diffusers cannot read.
    """
    left_out = [
        *(f"adapter {adapter.name}" for adapter in manifest.adapters),
        *([f"prompt rewriter {manifest.prompt_rewriter.name}"] if manifest.prompt_rewriter else []),
        *(f"filter {each.name}" for each in manifest.filters),
    ]
    if left_out:
        raise Unsupported(f"This engine cannot run {', '.join(left_out)}. Register the version without.")
    torch.set_num_threads(threads)
    _quieten()
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        folder,
        dtype=_DTYPES[manifest.dtype],
        use_safetensors=True,  # None would fall back to pickles without a word
        local_files_only=True,
        trust_remote_code=False,
    )
    if manifest.scheduler is not None:
        pipeline.scheduler = _scheduler(manifest.scheduler.class_name, pipeline.scheduler, manifest.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return DiffusersPipeline(pipeline.to(place), place, manifest.dtype)


def _scheduler(class_name: str, current: Any, overrides: Mapping[str, Any]) -> Any:
    found = getattr(diffusers, class_name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)):
        raise Unsupported(f"diffusers {diffusers.__version__} has no scheduler {class_name}. Name one that it has.")
    replacement: Any = found
    return replacement.from_config(current.config, **overrides)


def _finish(image: NDArray[np.floating], flagged: bool) -> Rendered:
    if flagged:
        return Rendered(Finish.FILTERED)
    if not np.isfinite(image).all():
        return Rendered(Finish.NOT_FINITE)
    return Rendered(Finish.COMPLETE, (image * 255).round().astype(np.uint8))


def _describe(device: torch.device, dtype: str) -> dict[str, str | int]:
    on_gpu = device.type == "cuda"
    details: dict[str, str | int] = {
        "host": socket.gethostname(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name(device) if on_gpu else f"cpu {torch.backends.cpu.get_cpu_capability()}",
        "dtype": dtype,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{library: installed(library) for library in ("torch", "diffusers", "transformers")},
    }
    if on_gpu:
        details["cuda"] = str(torch.version.cuda)
        details["driver"] = _NVIDIA_DRIVER.read_text().partition("\n")[0] if _NVIDIA_DRIVER.exists() else "unknown"
    return details


def _quieten() -> None:
    """Progress bars and advice on the checkpoint's configuration have no reader in an engine's log."""
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
