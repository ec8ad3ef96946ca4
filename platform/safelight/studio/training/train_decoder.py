"""Trains the standard ``AutoencoderTiny`` that turns the fixed latents into pixels, and pixels into latents.

Run as ``python -m safelight.studio.training.train_decoder``. The latents are given (see ``latents``), so its two
halves have losses of their own and the generator need not wait for it.
"""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as functional
from diffusers import AutoencoderTiny
from torch import Tensor

from safelight.studio.scenes import all_pairs, sample_scene
from safelight.studio.training import pipeline
from safelight.studio.training.rendering import Renderer, to_tensor
from safelight.studio.training.runs import Average, Run, arguments
from safelight.studio.training.train_generator import latent_space

_LATENT_NOISE = 0.15  # generated latents are never quite clean


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
    parser = arguments("Train the bundled generator's autoencoder.", minutes=30)
    parser.add_argument("--latents", type=Path, help="latent space to decode (default: fitted in the workspace)")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    renderer = Renderer(options.workspace)
    space = latent_space(renderer, options.latents or options.workspace / "latent_space.safetensors")
    autoencoder = pipeline.new_autoencoder()
    optimizer = torch.optim.AdamW(autoencoder.parameters(), betas=(0.9, 0.98), weight_decay=1e-4, fused=True)
    average = Average([autoencoder])
    folder = options.workspace / "decoder"
    run = Run(folder, options.minutes, {"autoencoder": autoencoder, "average": average, "optimizer": optimizer})
    rng, pairs = Random(options.seed + run.step), all_pairs()

    while run.fraction < 1:
        run.set_learning_rate(optimizer, options.rate)
        images = to_tensor([renderer.render(sample_scene(rng, pairs), rng) for _ in range(options.batch)])
        clean = space.encode(images)
        noisy = clean + torch.randn_like(clean) * (_LATENT_NOISE * torch.rand(len(clean), 1, 1, 1))
        with torch.autocast("cpu", torch.bfloat16):
            drawn = decode(autoencoder, noisy)
            encoded = autoencoder.encode(images).latents
        loss = reconstruction_loss(drawn.float(), images)
        latent_loss = functional.mse_loss(encoded.float() * pipeline.LATENT_SCALE, clean)
        optimizer.zero_grad()
        (loss + latent_loss).backward()
        torch.nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
        optimizer.step()
        average.update(run.step)
        run.stepped(loss.item(), options.batch)
    run.save()

    average.swap()
    autoencoder.eval().save_pretrained(folder / "final")
    fresh = Random(options.seed - 1)
    images = to_tensor([renderer.render(sample_scene(fresh, pairs), fresh) for _ in range(256)])
    with torch.inference_mode():
        latents = space.encode(images)
        trained, linear = psnr(decode(autoencoder, latents), images), psnr(space.decode(latents), images)
    print(f"PSNR {trained:.2f} dB; linear {linear:.2f} dB")


if __name__ == "__main__":
    main()
