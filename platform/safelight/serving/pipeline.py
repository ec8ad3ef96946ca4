"""The one door to diffusers: loads a checkpoint's folder and renders batches with it."""

import importlib
import inspect
import logging
import platform
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray

from registry.manifest import Manifest
from registry.parameters import GenerationParameters, Limits
from safelight.serving import adapters, allocator
from safelight.serving.calling import Call, denoiser_name, side_multiple
from safelight.serving.quantising import quantise
from safelight.serving.rendering import Finish, OutOfMemory, Rendered, Stopped, Unsupported

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_LIBRARIES = ("torch", "diffusers", "transformers", "peft", "torchao")
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


class DiffusersPipeline:
    """A checkpoint loaded on one device. Construct it with `load`."""

    def __init__(self, pipeline: Any, call: Call, environment: Mapping[str, str | int]) -> None:
        self._pipeline = pipeline
        self._call = call
        self.environment = environment

    @property
    def scheduler(self) -> str:
        return type(self._pipeline.scheduler).__name__

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        """See `safelight.serving.rendering.Pipeline`."""

        def after_step(_pipeline: Any, _step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            # Diffusers' own interrupt returns a half-denoised image as if nothing had happened.
            if is_stopped():
                raise Stopped
            return tensors

        arguments: dict[str, Any] = {
            **self._call.arguments(batch),
            # On the CPU, whatever the device: a seed then starts from the same noise everywhere.
            "generator": [torch.Generator("cpu").manual_seed(each.seed) for each in batch],
        }
        if "callback_on_step_end" in self._call.accepted:
            arguments["callback_on_step_end"] = after_step
        try:
            with torch.inference_mode():
                output = self._pipeline(output_type="np", **arguments)
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory from error
        flags = getattr(output, "nsfw_content_detected", None) or [False] * len(batch)
        return [_finish(image, flag) for image, flag in zip(output.images, flags, strict=True)]


@dataclass(frozen=True)
class Prepared:
    """A checkpoint in the host's memory, all but on its device."""

    pipeline: Any
    call: Call
    place: torch.device
    manifest: Manifest

    def settle(self) -> DiffusersPipeline:
        """Bring it to its device, once."""
        _put(self.pipeline, self.place, self.manifest.offload)
        if self.manifest.compile is not None:
            _compile(self.pipeline, self.manifest.compile)
        allocator.give_back()
        return DiffusersPipeline(self.pipeline, self.call, _describe(self.place, self.manifest))


def preload() -> None:
    """Import what every checkpoint takes: diffusers does so at the first use, and it costs seconds."""
    _quieten()
    importlib.import_module("diffusers.pipelines.pipeline_utils")


def load(folder: Path, manifest: Manifest, *, device: str, threads: int) -> DiffusersPipeline:
    """Load a verified checkpoint as its manifest says, see `prepare`, and bring it to its device."""
    return prepare(folder, manifest, device=device, threads=threads).settle()


def prepare(folder: Path, manifest: Manifest, *, device: str, threads: int) -> Prepared:
    """Load a verified checkpoint as its manifest says, into the host's memory.

    `device` is auto, cpu, cuda, cuda:1 ...; auto takes a GPU when there is one. Raises Unsupported for parts of a
    bundle that would have to be left out, and OSError or ValueError for a folder that diffusers cannot read.
    """
    left_out = [
        *([f"prompt rewriter {manifest.prompt_rewriter.name}"] if manifest.prompt_rewriter else []),
        *(f"filter {each.name}" for each in manifest.filters),
    ]
    if left_out:
        raise Unsupported(f"This engine cannot run {', '.join(left_out)}. Register the version without.")
    torch.set_num_threads(threads)
    preload()
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    pipeline = _pipeline_class(folder, manifest).from_pretrained(
        folder,
        dtype=_DTYPES[manifest.dtype],
        use_safetensors=True,  # None would fall back to pickles without a word
        local_files_only=True,
        trust_remote_code=False,
    )
    if manifest.scheduler is not None:
        pipeline.scheduler = _scheduler(manifest.scheduler.class_name, pipeline.scheduler, manifest.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    call = Call.of(pipeline, true_cfg_scale=manifest.true_cfg_scale, max_sequence_length=manifest.max_sequence_length)
    if call.unused:
        raise Unsupported(
            f"{call.class_name} has no use for {' and '.join(call.unused)}. Register the version without."
        )
    _check_sides(pipeline, manifest.limits)
    adapters.apply(pipeline, folder, manifest.adapters)
    if manifest.quantisation is not None:
        quantise(pipeline, manifest.quantisation)
    allocator.give_back()
    return Prepared(pipeline, call, place, manifest)


def _pipeline_class(folder: Path, manifest: Manifest) -> Any:
    """Raises Unsupported for a class that diffusers does not ship or that makes its images of more than a prompt."""
    name = manifest.pipeline_class
    if name is None:
        name = diffusers.DiffusionPipeline.load_config(folder, local_files_only=True)["_class_name"]
    found = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, diffusers.DiffusionPipeline)):
        raise Unsupported(f"diffusers {diffusers.__version__} has no pipeline {name}. Name one that it has.")
    parameters = inspect.signature(found.__call__).parameters
    needed = {key for key, each in parameters.items() if each.default is each.empty and each.kind not in _VARIADIC}
    if "prompt" not in parameters or needed - {"self", "prompt"}:
        raise Unsupported(f"{name} does not make images of prompts alone. Name a text-to-image pipeline.")
    return found


def _scheduler(class_name: str, current: Any, overrides: Mapping[str, Any]) -> Any:
    found = getattr(diffusers, class_name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)):
        raise Unsupported(f"diffusers {diffusers.__version__} has no scheduler {class_name}. Name one that it has.")
    replacement: Any = found
    return replacement.from_config(current.config, **overrides)


def _check_sides(pipeline: Any, limits: Limits) -> None:
    """Raises Unsupported when the limits allow a side that the pipeline would refuse, or cut down without a word."""
    multiple = side_multiple(pipeline)
    wrong = next((side for side in limits.sides if side % multiple), None)
    if wrong is not None:
        raise Unsupported(
            f"{type(pipeline).__name__} makes sides that are multiples of {multiple} with this checkpoint; the limits "
            f"allow {wrong}. Register the version with a side_multiple of {multiple}, or with sizes that are."
        )


def _put(pipeline: Any, place: torch.device, offload: str | None) -> None:
    # Without a GPU there is nothing to keep free: all of it lies where it computes.
    if place.type == "cpu" or offload is None:
        pipeline.to(place)
    elif offload == "model":
        pipeline.enable_model_cpu_offload(device=place)
    else:
        pipeline.enable_sequential_cpu_offload(device=place)


def _compile(pipeline: Any, extent: str) -> None:
    """What is compiled is made by the golden check, before there is traffic."""
    denoiser = getattr(pipeline, denoiser_name(pipeline))
    if extent == "whole":
        denoiser.compile()
    elif getattr(denoiser, "_repeated_blocks", None):
        denoiser.compile_repeated_blocks()
    else:
        raise Unsupported(f"{type(denoiser).__name__} names no blocks that it repeats. Compile the whole of it.")


def _finish(image: NDArray[np.floating], flagged: bool) -> Rendered:
    if flagged:
        return Rendered(Finish.FILTERED)
    if not np.isfinite(image).all():
        return Rendered(Finish.NOT_FINITE)
    return Rendered(Finish.COMPLETE, (image * 255).round().astype(np.uint8))


def _describe(device: torch.device, manifest: Manifest) -> dict[str, str | int]:
    on_gpu = device.type == "cuda"
    libraries = ["torch", "diffusers", "transformers"]
    # Named where they are used: what does not touch an image does not make another environment.
    libraries += ["peft"] * bool(manifest.adapters) + ["torchao"] * (manifest.quantisation is not None)
    details: dict[str, str | int] = {
        "host": socket.gethostname(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name(device) if on_gpu else f"cpu {torch.backends.cpu.get_cpu_capability()}",
        "dtype": manifest.dtype,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{library: _INSTALLED[library] for library in libraries},
    }
    if on_gpu:
        details["cuda"] = str(torch.version.cuda)
        details["driver"] = _NVIDIA_DRIVER.read_text().partition("\n")[0] if _NVIDIA_DRIVER.exists() else "unknown"
    return details


def _installed() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


# As the process started, perhaps long before it is given its version: another release may be on the disk by then.
_INSTALLED = _installed()


def _quieten() -> None:
    """Progress bars and advice on the checkpoint's configuration have no reader in an engine's log."""
    # Of torchao's way to announce its words to PyTorch, wherever it is installed.
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
