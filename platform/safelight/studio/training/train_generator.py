"""Trains the bundled generator: text encoder and denoiser together, on scenes rendered as they are needed.

Run as ``python -m safelight.studio.training.train_generator``. ``--init`` starts from a generator's folder instead
of from scratch. The result and its snapshots are the folders ``generator/NAME`` of the workspace; the autoencoder
is trained apart and put in by ``package``.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
import torch.nn.functional as functional
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from safelight.studio.scenes import sample_caption, sample_scene, training_pairs
from safelight.studio.training import latents, pipeline
from safelight.studio.training.rendering import Renderer, to_tensor
from safelight.studio.training.runs import Average, Run, arguments
from safelight.studio.training.tokenizer import clip_tokenizer

_EMPTY_CAPTIONS = 0.10  # what guidance needs to know the unconditional direction


class SceneStream:
    """Endless batches of latents (n, 12, 16, 16) and captions."""

    def __init__(self, renderer: Renderer, space: latents.LatentSpace, seed: int) -> None:
        self._renderer = renderer
        self._space = space
        self._rng = Random(seed)
        self._pairs = training_pairs()

    def batch(self, size: int) -> tuple[Tensor, list[str]]:
        scenes = [sample_scene(self._rng, self._pairs) for _ in range(size)]
        captions = [
            "" if self._rng.random() < _EMPTY_CAPTIONS else sample_caption(self._rng, scene)[1] for scene in scenes
        ]
        return self._space.encode(to_tensor([self._renderer.render(scene, self._rng) for scene in scenes])), captions


def velocity_loss(
    unet: UNet2DConditionModel, text: Tensor, clean: Tensor, signal_power: Tensor, generator: torch.Generator
) -> Tensor:
    """Mean square error of the predicted velocity (Salimans and Ho 2022) at timesteps spread evenly over a batch."""
    size, steps = len(clean), len(signal_power)
    strata = (torch.arange(size) + torch.rand(size, generator=generator)) / size
    timesteps = (strata * steps).long().clamp(max=steps - 1)[torch.randperm(size, generator=generator)]
    signal = signal_power[timesteps].sqrt()[:, None, None, None]
    spread = (1 - signal_power[timesteps]).sqrt()[:, None, None, None]
    noise = torch.randn(clean.shape, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        predicted = unet(signal * clean + spread * noise, timesteps, text).sample
    return functional.mse_loss(predicted.float(), signal * noise - spread * clean)


def encode_captions(tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel, captions: list[str]) -> Tensor:
    ids = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
    with torch.autocast("cpu", torch.bfloat16):
        states: Tensor = text_encoder(input_ids=ids).last_hidden_state
    return states


def latent_space(renderer: Renderer, path: Path) -> latents.LatentSpace:
    """The latent space kept at ``path``, fitted first if there is none."""
    if not path.exists():
        rng, pairs = Random(1), training_pairs()
        latents.fit(to_tensor([renderer.render(sample_scene(rng, pairs), rng) for _ in range(1500)])).save(path)
    return latents.LatentSpace.load(path)


def main() -> None:
    parser = arguments("Train the bundled generator.", minutes=120)
    parser.add_argument("--init", type=Path, help="folder of a generator to start from")
    parser.add_argument("--latents", type=Path, help="latent space to train in (default: fitted in the workspace)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate")
    parser.add_argument("--snapshots", type=float, nargs="*", default=[0.25], help="fractions of the budget to keep")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    renderer = Renderer(options.workspace)
    space = latent_space(renderer, options.latents or options.workspace / "latent_space.safetensors")
    tokenizer = clip_tokenizer()
    if options.init:
        unet = UNet2DConditionModel.from_pretrained(options.init, subfolder="unet", dtype=torch.float32)
        text_encoder = CLIPTextModel.from_pretrained(options.init, subfolder="text_encoder", dtype=torch.float32)
    else:
        unet, text_encoder = pipeline.new_unet(), pipeline.new_text_encoder(tokenizer)
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
    stream = SceneStream(renderer, space, options.seed + run.step)
    generator = torch.Generator().manual_seed(options.seed + run.step)
    signal_power = pipeline.new_scheduler().alphas_cumprod
    snapshots = sorted(fraction for fraction in options.snapshots if fraction > run.fraction)
    unet.train()
    text_encoder.train()

    def keep(name: str) -> None:
        average.swap()
        unet.save_pretrained(folder / name / "unet")
        text_encoder.save_pretrained(folder / name / "text_encoder")
        average.swap()

    while run.fraction < 1:
        run.set_learning_rate(optimizer, options.rate)
        clean, captions = stream.batch(options.batch)
        text = encode_captions(tokenizer, text_encoder, captions)
        loss = velocity_loss(unet, text, clean, signal_power, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.update(run.step)
        run.stepped(loss.item(), options.batch)
        if snapshots and run.fraction >= snapshots[0]:
            keep(f"at-{snapshots.pop(0):g}")
    keep("final")
    run.save()


if __name__ == "__main__":
    main()
