"""Trains the bundled embedder: a small open_clip model on rendered scenes, their captions and almost true ones.

Run as ``python -m safelight.studio.training.train_embedder``. It shares no weight with the generator, so that the
monitor does not share the generator's blind spots, and it has seen every object in every colour.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import open_clip
import torch
import torch.nn.functional as functional
from safetensors.torch import save_file
from torch import Tensor

from safelight.studio.scenes import Scene, all_pairs, sample_caption, sample_scene
from safelight.studio.training.contrasts import falsify, truth_table
from safelight.studio.training.rendering import SIDE, Renderer, signed
from safelight.studio.training.runs import Run, Scale, arguments
from safelight.studio.training.scene_batches import batches
from safelight.studio.training.tokenizer import CONTEXT, MERGES_FILE, write_merges

_BARE_CAPTIONS = 0.35
_MAX_LOGIT_SCALE = math.log(100)
_SCALES: Final = {
    "cpu": Scale(minutes=80, batch=128, rate=1.5e-3),
    "cuda": Scale(minutes=5, batch=1024, rate=1.5e-3),
}


@dataclass(frozen=True, slots=True)
class ContrastedScenes:
    """Makes batches of pixels, uint8 (size, 64, 64, 3), token ids (2 size, 24) and which caption is true of which.

    The second half of the captions are almost true ones. The truth is bool (size, 2 size).
    """

    renderer: Renderer
    tokenizer: open_clip.SimpleTokenizer
    size: int

    def __call__(self, rng: Random) -> tuple[Tensor, Tensor, Tensor]:
        pairs = all_pairs()
        scenes = [sample_scene(rng, pairs) for _ in range(self.size)]
        said: list[Scene] = []
        captions: list[str] = []
        for scene in scenes:
            claim, text = sample_caption(rng, scene, bare=_BARE_CAPTIONS)
            said.append(claim)
            captions.append(text)
        wrong = [falsify(rng, claim) for claim in said]
        captions += [sample_caption(rng, claim, bare=0)[1] for claim in wrong]
        pixels = np.stack([self.renderer.render(scene, rng) for scene in scenes])
        return torch.from_numpy(pixels), self.tokenizer(captions), truth_table([*said, *wrong], scenes)


def write_config(folder: Path, vocabulary: int) -> None:
    """Writes what ``local-dir:`` needs beside the weights: the configuration and the tokenizer's merges."""
    model: dict[str, Any] = {
        "embed_dim": 128,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64},
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": vocabulary,
            "width": 96,
            "heads": 4,
            "layers": 3,
            "tokenizer_kwargs": {"bpe_path": MERGES_FILE},
        },
    }
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": model, "preprocess_cfg": preprocess}, indent=1) + "\n"
    )


def contrastive_loss(images: Tensor, texts: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric loss (Radford et al. 2021) of unit vectors ``images`` (n, d) and ``texts`` (2n, d).

    Text i < n belongs to image i, the second half are almost true distractors for the images. ``truth`` (n, 2n) says
    which captions hold: another caption that happens to be true of an image is not counted against it.
    """
    count = len(images)
    own = torch.eye(count, 2 * count, dtype=torch.bool, device=truth.device)
    logits = (scale * images @ texts.T).masked_fill(truth & ~own, -torch.inf)
    target = torch.arange(count, device=truth.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits[:, :count].T, target)) / 2


def roughen(images: Tensor) -> Tensor:
    """Shifts and a little noise: the embedder shall read generated images too, which are never as clean."""
    noise = torch.randn_like(images) * (0.12 * torch.rand(len(images), 1, 1, 1, device=images.device))
    shift = torch.randint(-2, 3, (2,)).tolist()
    return images.roll(shift, dims=(2, 3)) + noise


def main() -> None:
    options = arguments("Train the bundled embedder.", _SCALES).parse_args()
    device: torch.device = options.device
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    folder = options.workspace / "embedder"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = open_clip.SimpleTokenizer(bpe_path=str(write_merges(folder)), context_length=CONTEXT)
    write_config(folder, tokenizer.vocab_size)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    run = Run(folder, options.minutes, {"model": model, "optimizer": optimizer})
    make = ContrastedScenes(Renderer(options.workspace), tokenizer, options.batch)
    stream = batches(make, options.seed + run.step, options.workers, device)
    model.train()

    while run.fraction < 1:
        run.set_learning_rate(optimizer, options.rate)
        pixels, ids, truth = next(stream)
        with torch.autocast(device.type, torch.bfloat16):
            seen = model.encode_image(roughen(signed(pixels)), normalize=True).float()
            read = model.encode_text(ids, normalize=True).float()
        loss = contrastive_loss(seen, read, truth, model.logit_scale.exp())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, _MAX_LOGIT_SCALE)
        run.stepped(loss, options.batch)
    run.save()

    weights = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "open_clip_model.safetensors")


if __name__ == "__main__":
    main()
