"""A second opinion on which object an image shows: a small network that shares nothing with the embedder.

It is trained for the evaluation alone and never shipped.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from safelight.studio.scenes import OBJECTS, SceneKind, all_pairs, sample_scene
from safelight.studio.training.rendering import Pixels, Renderer, to_tensor
from safelight.studio.training.runs import Run

_RATE = 2e-3
_BATCH = 64


def _new() -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for width in (24, 48, 96, 128):
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, len(OBJECTS)))


def _roughen(images: Tensor) -> Tensor:
    """Noise, and softness for half of them: generated images are never as sharp as rendered ones."""
    images = images + torch.randn_like(images) * (0.15 * torch.rand(len(images), 1, 1, 1))
    half = len(images) // 2
    return torch.cat([functional.avg_pool2d(images[:half], 3, stride=1, padding=1), images[half:]])


class Classifier:
    """Names the object of an image with one thing in it. Trained, or trained on, when constructed."""

    def __init__(self, renderer: Renderer, workspace: Path, minutes: float = 4.0) -> None:
        self._model = _new()
        optimizer = torch.optim.AdamW(self._model.parameters(), fused=True)
        run = Run(workspace / "classifier", minutes, {"model": self._model, "optimizer": optimizer})
        rng, pairs = Random(run.step), all_pairs()
        while run.fraction < 1:
            run.set_learning_rate(optimizer, _RATE)
            kind = rng.choice((SceneKind.SINGLE, SceneKind.SIZED))
            scenes = [sample_scene(rng, pairs, kind) for _ in range(_BATCH)]
            images = _roughen(to_tensor([renderer.render(scene, rng) for scene in scenes]))
            target = torch.tensor([OBJECTS.index(scene.things[0].object) for scene in scenes])
            loss = functional.cross_entropy(self._model(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.stepped(loss, _BATCH)
        run.save()
        self._model.eval()

    def name(self, images: list[Pixels]) -> list[str]:
        with torch.inference_mode():
            return [OBJECTS[index] for index in self._model(to_tensor(images)).argmax(1).tolist()]
