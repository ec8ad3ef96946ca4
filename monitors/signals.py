"""Signals read from the pixels alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

# A standard deviation of luma under one grey level in 256: nothing a person would call a picture.
_BLANK_CONTRAST = 1.0 / 255.0
# ITU-R BT.601 in thousandths of a grey level: of bytes the luma, and its second differences, are whole numbers that
# single precision holds exactly.
_LUMA = np.array([299, 587, 114], np.float32)
_WHITE = 255.0 * 1000.0


@dataclass(frozen=True)
class ImageSignals:
    """All in [0, 1] but for `sharpness` (variance of the Laplacian of luma, >= 0) and `non_finite` (a count)."""

    brightness: float
    contrast: float
    sharpness: float
    non_finite: int
    blank: bool

    @property
    def broken(self) -> bool:
        return self.blank or self.non_finite > 0


def image_signals(rgb: NDArray[np.uint8] | NDArray[np.floating]) -> ImageSignals:
    """Read an image [H, W, 3], uint8, or floating point in [0, 1] as a pipeline returns it.

    NaN and infinite values are counted and read as black. Raises ValueError for another shape or type.
    """
    luma, non_finite = _luma(rgb)
    mean = float(luma.mean(dtype=np.float64))
    contrast = math.sqrt(_mean_square(luma - np.float32(mean))) / _WHITE
    return ImageSignals(
        brightness=mean / _WHITE,
        contrast=contrast,
        # Every difference is added to one pixel and taken from another: their mean is nought.
        sharpness=_mean_square(_laplacian(luma)) / _WHITE**2,
        non_finite=non_finite,
        blank=contrast < _BLANK_CONTRAST,
    )


def perceptual_hash(rgb: NDArray[np.uint8] | NDArray[np.floating]) -> int:
    """The 64-bit DCT hash ("pHash", Zauner 2010): signs of the lowest 8x8 frequencies against their median.

    Images that look alike differ in a few bits; unrelated ones in about half of the 64.
    """
    luma, _ = _luma(rgb)
    low = fft.dctn(_area_sums(luma, 32), norm="ortho")[:8, :8].ravel()
    bits = low > np.median(low[1:])  # the first is the brightness: it would only shift the median
    bits[0] = False
    return int(np.packbits(bits).view(">u8")[0])


def hamming(a: int, b: int) -> int:
    return (a ^ b).bit_count()


@dataclass(frozen=True)
class Fingerprint:
    """What is compared to find near-duplicates; `prompt` is the prompt's key (`sample.prompt_key`)."""

    prompt: int
    hash: int


NEAR_DUPLICATE_BITS = 4


def near_duplicates(a: Fingerprint, b: Fingerprint, bits: int = NEAR_DUPLICATE_BITS) -> bool:
    """Whether different requests gave what looks like one image, the mark of a collapsed generator.

    The same prompt with the same seed ought to give the same image and never counts.
    """
    return a.prompt != b.prompt and hamming(a.hash, b.hash) <= bits


def _luma(rgb: NDArray[np.uint8] | NDArray[np.floating]) -> tuple[NDArray[np.float32], int]:
    """In thousandths of a grey level, [H, W], and how many values were no number."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"expected an image [H, W, 3], got shape {rgb.shape}")
    if rgb.dtype == np.uint8:
        return rgb.astype(np.float32) @ _LUMA, 0
    if not np.issubdtype(rgb.dtype, np.floating):
        raise ValueError(f"expected uint8 or floating point pixels, got {rgb.dtype}")
    finite = np.isfinite(rgb)
    levels = np.clip(np.where(finite, rgb, 0.0), 0.0, 1.0) * 255.0
    return levels.astype(np.float32) @ _LUMA, int(finite.size - finite.sum())


def _laplacian(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of the four neighbours less four times the pixel; beyond the edge lies what lies on it."""
    found = np.zeros_like(plane)
    down, right = np.diff(plane, axis=0), np.diff(plane, axis=1)
    found[:-1] += down
    found[1:] -= down
    found[:, :-1] += right
    found[:, 1:] -= right
    return found


def _mean_square(plane: NDArray[np.float32]) -> float:
    """Row by row in single precision, the rows together in double: a sum of millions would lose its small terms."""
    return float(np.vecdot(plane, plane).sum(dtype=np.float64)) / plane.size


def _area_sums(plane: NDArray[np.float32], side: int) -> NDArray[np.float64]:
    """Sums over side x side equal areas, for any size, larger or smaller than `side`."""
    height, width = plane.shape
    rows = _area_weights(height, side).astype(np.float32) @ plane
    return rows.astype(np.float64) @ _area_weights(width, side).T


@lru_cache(maxsize=16)  # images come in few sizes
def _area_weights(size: int, side: int) -> NDArray[np.float64]:
    """How much of each of `size` cells lies in each of `side` areas, [side, size]; not to be written to."""
    edges = np.linspace(0.0, size, side + 1)
    cells = np.arange(size)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    weights = np.asarray(np.clip(overlap, 0.0, None))
    weights.setflags(write=False)
    return weights
