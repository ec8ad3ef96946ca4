"""Trains the bundled generator: text encoder and denoiser together, on scenes rendered as they are needed.

Run as ``python -m safelight.studio.training.train_generator``. The result and its snapshots are the folders
``generator/NAME`` of the workspace; the autoencoder is trained apart and put in by ``package``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import torch
import torch.nn.functional as functional
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from safelight.studio.scenes import sample_caption, sample_scene, training_pairs
from safelight.studio.training import latents, pipeline
from safelight.studio.training.rendering import Renderer, signed, to_tensor
from safelight.studio.training.runs import Average, Run, Scale, arguments
from safelight.studio.training.scene_batches import batches
from safelight.studio.training.tokenizer import clip_tokenizer

_EMPTY_CAPTIONS = 0.10  # what guidance needs to know the unconditional direction
_SCALES: Final = {
    "cpu": Scale(minutes=120, batch=32, rate=1.2e-3),
    "cuda": Scale(minutes=8.5, batch=512, rate=2e-3),
}
# The fraction of the run after which the earlier version is kept: decent by then, and visibly weaker than the end.
_EARLY: Final = {"cpu": 0.25, "cuda": 0.2}


@dataclass(frozen=True, slots=True)
class CaptionedScenes:
    """Makes batches of pixels, uint8 (size, 64, 64, 3), and the token ids (size, 24) of their captions."""

    renderer: Renderer
    tokenizer: CLIPTokenizer
    size: int

    def __call__(self, rng: Random) -> tuple[Tensor, Tensor]:
        pairs = training_pairs()
        scenes = [sample_scene(rng, pairs) for _ in range(self.size)]
        captions = ["" if rng.random() < _EMPTY_CAPTIONS else sample_caption(rng, scene)[1] for scene in scenes]
        pixels = np.stack([self.renderer.render(scene, rng) for scene in scenes])
        ids = self.tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return torch.from_numpy(pixels), ids


def velocity_loss(
    unet: UNet2DConditionModel, text: Tensor, clean: Tensor, signal_power: Tensor, generator: torch.Generator
) -> Tensor:
    """Mean square error of the predicted velocity (Salimans and Ho 2022) at timesteps spread evenly over a batch.

    ``text`` (n, 24, 96) are the encoded captions of ``clean`` (n, 12, 16, 16), ``signal_power`` is the schedule, and
    all of it is on the device of ``generator``.
    """
    size, steps, device = len(clean), len(signal_power), clean.device
    order = torch.randperm(size, generator=generator, device=device)
    strata = (order + torch.rand(size, generator=generator, device=device)) / size
    timesteps = (strata * steps).long().clamp(max=steps - 1)
    signal = signal_power[timesteps].sqrt()[:, None, None, None]
    spread = (1 - signal_power[timesteps]).sqrt()[:, None, None, None]
    noise = torch.randn(clean.shape, generator=generator, device=device)
    with _mixed_precision(device):
        predicted = unet(signal * clean + spread * noise, timesteps, text).sample
    return functional.mse_loss(predicted.float(), signal * noise - spread * clean)


def encode_captions(text_encoder: CLIPTextModel, ids: Tensor) -> Tensor:
    with _mixed_precision(ids.device):
        states: Tensor = text_encoder(input_ids=ids).last_hidden_state
    return states


def _mixed_precision(device: torch.device) -> torch.autocast:
    # A graph keeps no casts of weights from one replay to the next.
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=device.type == "cpu")


def record_graph(unet: UNet2DConditionModel, text: Tensor, clean: Tensor) -> None:
    """Lets the denoiser replay one recorded CUDA graph: its hundreds of small kernels would wait for Python.

    From then on it takes batches of the shapes of ``text`` and ``clean`` alone.
    """
    timesteps = torch.zeros(len(clean), dtype=torch.long, device=clean.device)
    with _mixed_precision(clean.device):
        torch.cuda.make_graphed_callables(unet, (clean, timesteps, text.detach().requires_grad_()))


def latent_space(renderer: Renderer, workspace: Path) -> latents.LatentSpace:
    """The workspace's latent space, fitted first if there is none."""
    path = workspace / latents.FILE
    if not path.exists():
        rng, pairs = Random(1), training_pairs()
        latents.fit(to_tensor([renderer.render(sample_scene(rng, pairs), rng) for _ in range(1500)])).save(path)
    return latents.LatentSpace.load(path)


def main() -> None:
    parser = arguments("Train the bundled generator.", _SCALES)
    parser.add_argument("--snapshots", type=float, nargs="*", default=[], help="more fractions of the run to keep")
    options = parser.parse_args()
    device: torch.device = options.device
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    renderer = Renderer(options.workspace)
    space = latent_space(renderer, options.workspace).to(device)
    tokenizer = clip_tokenizer()
    unet, text_encoder = pipeline.new_unet(), pipeline.new_text_encoder(tokenizer)
    torch.nn.ModuleList([unet, text_encoder]).to(device)
    parameters = [*unet.parameters(), *text_encoder.parameters()]
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    average = Average([unet, text_encoder])
    folder = options.workspace / "generator"
    run = Run(
        folder,
        options.minutes,
        {"unet": unet, "text_encoder": text_encoder, "average": average, "optimizer": optimizer},
    )
    # A resumed run must not see the scenes and the noise of its beginning again.
    seed = options.seed + run.step
    stream = batches(CaptionedScenes(renderer, tokenizer, options.batch), seed, options.workers, device)
    generator = torch.Generator(device).manual_seed(seed)
    signal_power = pipeline.new_scheduler().alphas_cumprod.to(device)
    names = {fraction: f"at-{fraction:g}" for fraction in options.snapshots} | {_EARLY[device.type]: "early"}
    due = sorted(fraction for fraction in names if fraction > run.fraction)
    unet.train()
    text_encoder.train()
    if device.type == "cuda":
        pixels, ids = next(stream)
        record_graph(unet, encode_captions(text_encoder, ids), space.encode(signed(pixels)))

    def keep(name: str) -> None:
        average.swap()
        unet.save_pretrained(folder / name / "unet")
        text_encoder.save_pretrained(folder / name / "text_encoder")
        average.swap()

    while run.fraction < 1:
        run.set_learning_rate(optimizer, options.rate)
        pixels, ids = next(stream)
        text = encode_captions(text_encoder, ids)
        loss = velocity_loss(unet, text, space.encode(signed(pixels)), signal_power, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.update(run.step)
        run.stepped(loss, options.batch)
        if due and run.fraction >= due[0]:
            keep(names[due.pop(0)])
    keep("final")
    run.save()


if __name__ == "__main__":
    main()
