"""Reads background, colour and count from the pixels of an image, without any learned model.

On real renders it is right about the background and the colour, and four times in five about the count (things touch,
or have two parts); read its figures for generated images beside those for renders.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from safelight.studio.scenes import BACKGROUNDS
from safelight.studio.training.rendering import BACKGROUND_RGB, Pixels

_BACKGROUND_VALUES: Final = np.array([BACKGROUND_RGB[name] for name in BACKGROUNDS], dtype=np.float64)
_HUES: Final = {"red": 0, "orange": 28, "yellow": 51, "green": 125, "blue": 222, "purple": 273, "pink": 330}
_FOREGROUND_DISTANCE: Final = 70.0  # summed over the channels, in grey levels
_SMALLEST_THING: Final = 60  # pixels
_SATURATED: Final = 0.25
_WHITE_SHARE: Final = 0.35  # of saturated pixels, below which a thing is white


@dataclass(frozen=True, slots=True)
class Reading:
    """``colour`` is None when there is nothing in the image to have one."""

    background: str
    colour: str | None
    count: int


def read(image: Pixels) -> Reading:
    """Reads an image of one kind of thing, uint8 (64, 64, 3)."""
    pixels = image.astype(np.float64)
    foreground = _foreground(pixels)
    labels, parts = ndimage.label(foreground)
    areas = np.bincount(labels.ravel(), minlength=parts + 1)[1:]
    return Reading(_background(pixels), _colour(pixels[foreground]), int((areas > _SMALLEST_THING).sum()))


def _background(pixels: NDArray[np.float64]) -> str:
    corners = pixels[np.ix_([0, 1, 2, -3, -2, -1], [0, 1, 2, -3, -2, -1])].reshape(-1, 3)
    distance = np.abs(_BACKGROUND_VALUES - np.median(corners, axis=0)).sum(axis=1)
    return BACKGROUNDS[int(distance.argmin())]


def _foreground(pixels: NDArray[np.float64]) -> NDArray[np.bool_]:
    margins = np.concatenate([pixels[:, :2], pixels[:, -2:]], axis=1)
    distance = np.abs(pixels - np.median(margins, axis=1)[:, None]).sum(axis=2)
    opened: NDArray[np.bool_] = ndimage.binary_opening(distance > _FOREGROUND_DISTANCE, iterations=2)
    return opened


def _colour(pixels: NDArray[np.float64]) -> str | None:
    if len(pixels) <= 20:
        return None
    highest, lowest = pixels.max(axis=1), pixels.min(axis=1)
    saturated = pixels[(highest - lowest) / (highest + 1e-6) > _SATURATED]
    if len(saturated) < _WHITE_SHARE * len(pixels):
        return "white"
    hues = np.array([colorsys.rgb_to_hsv(*(pixel / 255))[0] * 360 for pixel in saturated])
    away = np.abs((hues[:, None] - np.array(list(_HUES.values())) + 180) % 360 - 180)
    return list(_HUES)[int(np.bincount(away.argmin(axis=1), minlength=len(_HUES)).argmax())]
