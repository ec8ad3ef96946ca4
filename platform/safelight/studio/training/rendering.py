"""Renders a scene to a 64 x 64 image; its truth is known exactly, so judges need no human labels."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from safelight.studio.scenes import BACKGROUNDS, Scene, SceneKind, Size, Thing
from safelight.studio.training import sprites

SIDE: Final = 64
BACKGROUND_RGB: Final = dict(
    zip(
        BACKGROUNDS,
        (
            (250, 250, 250), (28, 28, 34), (150, 152, 158), (120, 190, 245),
            (165, 222, 150), (255, 238, 150), (255, 200, 222), (190, 165, 235),
        ),
        strict=True,
    )
)  # fmt: skip
# Longer side in pixels, and how far from its place a thing may stand.
_SPANS: Final = {None: (37, 42, 4), Size.SMALL: (18, 22, 8), Size.LARGE: (49, 52, 1)}

Pixels: TypeAlias = NDArray[np.uint8]


class Renderer:
    """Draws scenes from the emoji in ``cache``; a size of a sprite is scaled once."""

    def __init__(self, cache: Path) -> None:
        masters = sprites.load(sprites.fetch(cache))
        self._cache = cache
        self._sprite = lru_cache(maxsize=None)(lambda name, colour, side: sprites.scale(masters[name, colour], side))

    def __reduce__(self) -> tuple[type[Renderer], tuple[Path]]:
        """Another process loads the sprites for itself."""
        return Renderer, (self._cache,)

    def render(self, scene: Scene, rng: Random) -> Pixels:
        """Pixels, uint8 of shape (64, 64, 3); positions and exact sizes are drawn from ``rng``.

        Raises ValueError for a scene whose background is left unsaid.
        """
        if scene.background is None:
            raise ValueError("only a whole scene can be drawn: its background is missing")
        image = _background(scene.background).copy()
        for thing, side, x, y in _layout(scene, rng):
            sprite = self._sprite(thing.object, thing.colour, side)
            left = min(max(round(x - sprite.width / 2), 0), SIDE - sprite.width)
            top = min(max(round(y - sprite.height / 2), 0), SIDE - sprite.height)
            image.paste(sprite, (left, top), sprite)
        return np.asarray(image)


def to_tensor(images: list[Pixels]) -> Tensor:
    """Images in [-1, 1], shape (n, 3, 64, 64), of uint8 pixels."""
    return signed(torch.from_numpy(np.stack(images)))


def signed(pixels: Tensor) -> Tensor:
    """Images in [-1, 1], shape (n, 3, 64, 64), of uint8 pixels of shape (n, 64, 64, 3)."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


@lru_cache
def _background(name: str) -> Image.Image:
    light = np.linspace(1.04, 0.93, SIDE, dtype=np.float32)[:, None, None]
    colour = np.array(BACKGROUND_RGB[name], dtype=np.float32)
    return Image.fromarray((np.ones((SIDE, SIDE, 3), np.float32) * colour * light).clip(0, 255).astype(np.uint8))


def _layout(scene: Scene, rng: Random) -> list[tuple[Thing, int, float, float]]:
    """(thing, longer side, centre x, centre y) of everything to draw."""

    def near(place: float, reach: float) -> float:
        return place + rng.uniform(-reach, reach)

    first = scene.things[0]
    match scene.kind:
        case SceneKind.PAIR:
            return [
                (thing, rng.randint(28, 31), near(x, 1.5), near(32, 5))
                for thing, x in zip(scene.things, (17, 47), strict=True)
            ]
        case SceneKind.COUNT if first.count == 2:
            side, y = rng.randint(28, 31), near(32, 5)
            return [(first, side, near(x, 1), y) for x in (17, 47)]
        case SceneKind.COUNT:
            side = rng.randint(26, 29)
            return [(first, side, near(x, 1), near(y, 1)) for x, y in ((32, 17), (17, 47), (47, 47))]
        case _:
            low, high, reach = _SPANS[scene.size]
            return [(first, rng.randint(low, high), near(32, reach), near(32, reach))]
