"""What a pipeline is called with: a batch's parameters in the words that its class takes them in. Pure."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.parameters import GenerationParameters
from safelight.serving.rendering import RequestUnsupported


@dataclass(frozen=True)
class Call:
    """How one loaded pipeline is called.

    A version's one guidance drives what the checkpoint has: the scale that it was distilled to read (FLUX.1-dev, LCM),
    or else classifier-free guidance, which some classes call `guidance_scale` and others `true_cfg_scale` (Qwen-Image).
    """

    class_name: str
    accepted: frozenset[str]
    """The parameters that the pipeline's `__call__` names."""
    distilled: bool
    """Whether the denoiser reads a guidance scale, which leaves no room for classifier-free guidance by that name."""
    true_cfg_scale: float | None = None
    max_sequence_length: int | None = None

    @classmethod
    def of(cls, pipeline: Any, **settings: Any) -> "Call":
        accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        return cls(type(pipeline).__name__, accepted, _distilled(pipeline), **settings)

    @property
    def unused(self) -> list[str]:
        """Settings of the manifest that the pipeline would drop."""
        unused = []
        if self.true_cfg_scale is not None and not ("true_cfg_scale" in self.accepted and self.distilled):
            unused.append("true_cfg_scale")
        if self.max_sequence_length is not None and "max_sequence_length" not in self.accepted:
            unused.append("max_sequence_length")
        return unused

    def arguments(self, batch: Sequence[GenerationParameters]) -> dict[str, Any]:
        """Of entries that one batch may hold. Raises RequestUnsupported for a negative prompt that would be lost."""
        first = batch[0]
        arguments: dict[str, Any] = {
            "prompt": [each.prompt for each in batch],
            "width": first.width,
            "height": first.height,
            "num_inference_steps": first.steps,
        }
        if self.max_sequence_length is not None:
            arguments["max_sequence_length"] = self.max_sequence_length
        return arguments | self._guided(batch, first.guidance)

    def _guided(self, batch: Sequence[GenerationParameters], guidance: float) -> dict[str, Any]:
        negative = [each.negative_prompt for each in batch]
        if "true_cfg_scale" in self.accepted:
            distilled = {"guidance_scale": guidance} if self.distilled else {}
            true_scale = (self.true_cfg_scale or 1.0) if self.distilled else guidance
            if true_scale > 1:
                # Also when all of them are empty: without negative prompts such a class takes the scale for none.
                return distilled | {"true_cfg_scale": true_scale, "negative_prompt": negative}
            self._refuse(negative, "true_cfg_scale")
            return distilled
        scale = {"guidance_scale": guidance} if "guidance_scale" in self.accepted else {}
        if not any(negative):
            return scale
        if "negative_prompt" not in self.accepted or self.distilled:
            raise RequestUnsupported(f"{self.class_name} takes no negative prompt with this checkpoint.")
        if guidance <= 1:
            self._refuse(negative, "guidance")
        return scale | {"negative_prompt": negative}

    def _refuse(self, negative: Sequence[str], through: str) -> None:
        if any(negative):
            raise RequestUnsupported(
                f"A negative prompt works through a {through} above 1, which this request does not have: "
                "it would be lost."
            )


def denoiser_name(pipeline: Any) -> str:
    """The component that denoises."""
    return "transformer" if getattr(pipeline, "transformer", None) is not None else "unet"


def side_multiple(pipeline: Any) -> int:
    """Pixels: what the sides of an image must be multiples of, or the pipeline would refuse or silently shrink them.

    All classes ask for 8; a transformer's patches, and the pairs of latent pixels that FLUX packs, ask for more.
    """
    latent = getattr(pipeline, "vae_scale_factor", 8)
    processor = getattr(pipeline, "image_processor", None)
    packed = latent if processor is None else processor.config.vae_scale_factor
    patch = getattr(getattr(getattr(pipeline, "transformer", None), "config", None), "patch_size", None) or 1
    return math.lcm(8, packed, latent * (patch if isinstance(patch, int) else 1))


def _distilled(pipeline: Any) -> bool:
    config = getattr(getattr(pipeline, denoiser_name(pipeline), None), "config", None)
    return bool(getattr(config, "guidance_embeds", False)) or getattr(config, "time_cond_proj_dim", None) is not None
