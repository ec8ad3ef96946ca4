"""The generator's latent space: principal components of 4 x 4 pixel patches, 12 of 48, on a 16 x 16 grid.

It is linear and fitted in a second, so the generator and the decoder that turns its latents into pixels can be
trained at the same time. A plain linear inverse shows block edges; the shipped ``AutoencoderTiny`` is trained to
decode without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as functional
from safetensors.torch import load_file, save_file
from torch import Tensor

CHANNELS: Final = 12
PATCH: Final = 4
FILE: Final = "latent_space.safetensors"
# Standard deviations are raised to this power of themselves before they are divided out: full whitening (1) would
# give noise-like components the weight of the outline, none (0) would leave the first component towering.
_WHITENING: Final = 0.6


@dataclass(frozen=True, slots=True)
class LatentSpace:
    """``analysis`` (12, 48) maps centred patches to latents, ``synthesis`` (48, 12) back; ``mean`` has 48 entries."""

    mean: Tensor
    analysis: Tensor
    synthesis: Tensor

    def encode(self, images: Tensor) -> Tensor:
        """Latents (n, 12, 16, 16), of mean square one over the fitted images, of images (n, 3, 64, 64) in [-1, 1]."""
        patches = functional.pixel_unshuffle(images, PATCH) - self.mean[:, None, None]
        return torch.einsum("nphw,kp->nkhw", patches, self.analysis)

    def decode(self, latents: Tensor) -> Tensor:
        """Least-squares images of latents: what the trained decoder has to beat."""
        patches = torch.einsum("nkhw,pk->nphw", latents, self.synthesis) + self.mean[:, None, None]
        return functional.pixel_shuffle(patches, PATCH)

    def to(self, device: torch.device) -> LatentSpace:
        return LatentSpace(self.mean.to(device), self.analysis.to(device), self.synthesis.to(device))

    def save(self, path: Path) -> None:
        save_file({"mean": self.mean, "analysis": self.analysis, "synthesis": self.synthesis}, path)
        path.chmod(0o644)

    @classmethod
    def load(cls, path: Path) -> LatentSpace:
        return cls(**load_file(path))


def fit(images: Tensor) -> LatentSpace:
    """The latent space of images (n, 3, 64, 64) in [-1, 1]."""
    patches = functional.pixel_unshuffle(images.double(), PATCH).permute(0, 2, 3, 1).flatten(0, 2)
    mean = patches.mean(0)
    variance, basis = torch.linalg.eigh(torch.cov((patches - mean).T))
    deviation, components = variance.flip(0)[:CHANNELS].sqrt(), basis.flip(1)[:, :CHANNELS].T
    scale = deviation**_WHITENING
    scale = scale * (deviation / scale).square().mean().sqrt()
    return LatentSpace(
        mean.float(), (components / scale[:, None]).float(), (components * scale[:, None]).T.contiguous().float()
    )
