"""Trains the standard ``AutoencoderTiny`` that turns the fixed latents into pixels, and pixels into latents.

Run as ``python -m safelight.studio.training.train_decoder``. The latents are given (see ``latents``), so its two
halves have losses of their own and the generator need not wait for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import torch
import torch.nn.functional as functional
from diffusers import AutoencoderTiny
from torch import Tensor

from safelight.studio.scenes import all_pairs, sample_scene
from safelight.studio.training import pipeline
from safelight.studio.training.rendering import Renderer, signed
from safelight.studio.training.runs import Average, Run, Scale, arguments
from safelight.studio.training.scene_batches import batches
from safelight.studio.training.train_generator import latent_space

_LATENT_NOISE = 0.15  # generated latents are never quite clean
_SCALES: Final = {
    "cpu": Scale(minutes=40, batch=16, rate=2e-3),
    "cuda": Scale(minutes=2.5, batch=512, rate=2e-3),
}


@dataclass(frozen=True, slots=True)
class Scenes:
    """Makes batches of pixels, uint8 (size, 64, 64, 3)."""

    renderer: Renderer
    size: int

    def __call__(self, rng: Random) -> tuple[Tensor]:
        pairs = all_pairs()
        return (
            torch.from_numpy(np.stack([self.renderer.render(sample_scene(rng, pairs), rng) for _ in range(self.size)])),
        )


def decode(autoencoder: AutoencoderTiny, latents: Tensor) -> Tensor:
    images: Tensor = autoencoder.decode(latents / pipeline.LATENT_SCALE).sample
    return images


def reconstruction_loss(drawn: Tensor, images: Tensor) -> Tensor:
    """Pixel error and the error of neighbouring differences, which keeps edges sharp."""
    across = (drawn.diff(dim=-1) - images.diff(dim=-1)).abs().mean()
    down = (drawn.diff(dim=-2) - images.diff(dim=-2)).abs().mean()
    return functional.l1_loss(drawn, images) + functional.mse_loss(drawn, images) + 0.5 * (across + down)


def psnr(drawn: Tensor, images: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels of images in [-1, 1]."""
    return -10 * math.log10(functional.mse_loss(drawn.clamp(-1, 1) / 2, images / 2).item())


def main() -> None:
    options = arguments("Train the bundled generator's autoencoder.", _SCALES).parse_args()
    device: torch.device = options.device
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    renderer = Renderer(options.workspace)
    space = latent_space(renderer, options.workspace).to(device)
    autoencoder = pipeline.new_autoencoder().to(device)
    optimizer = torch.optim.AdamW(autoencoder.parameters(), betas=(0.9, 0.98), weight_decay=1e-4, fused=True)
    average = Average([autoencoder])
    folder = options.workspace / "decoder"
    run = Run(folder, options.minutes, {"autoencoder": autoencoder, "average": average, "optimizer": optimizer})
    stream = batches(Scenes(renderer, options.batch), options.seed + run.step, options.workers, device)

    while run.fraction < 1:
        run.set_learning_rate(optimizer, options.rate)
        images = signed(*next(stream))
        clean = space.encode(images)
        noisy = clean + torch.randn_like(clean) * (_LATENT_NOISE * torch.rand(len(clean), 1, 1, 1, device=device))
        with torch.autocast(device.type, torch.bfloat16):
            drawn = decode(autoencoder, noisy)
            encoded = autoencoder.encode(images).latents
        loss = reconstruction_loss(drawn.float(), images)
        latent_loss = functional.mse_loss(encoded.float() * pipeline.LATENT_SCALE, clean)
        optimizer.zero_grad()
        (loss + latent_loss).backward()
        torch.nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
        optimizer.step()
        average.update(run.step)
        run.stepped(loss, options.batch)
    run.save()

    average.swap()
    autoencoder.eval().save_pretrained(folder / "final")
    images = signed(*Scenes(renderer, 256)(Random(options.seed - 1))).to(device)
    with torch.inference_mode():
        latents = space.encode(images)
        trained, linear = psnr(decode(autoencoder, latents), images), psnr(space.decode(latents), images)
    print(f"PSNR {trained:.2f} dB; linear {linear:.2f} dB")


if __name__ == "__main__":
    main()
