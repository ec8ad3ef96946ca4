"""Signals read from the pixels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

# A standard deviation of luma under one grey level in 256: nothing a person would call a picture.
_BLANK_CONTRAST = 1.0 / 255.0
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@dataclass(frozen=True)
class ImageSignals:
    """All in [0, 1] but for `sharpness` (variance of the Laplacian of luma, >= 0) and `non_finite` (a count)."""

    brightness: float
    contrast: float
    saturation: float
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
    pixels, non_finite = _unit_pixels(rgb)
    luma = pixels @ _LUMA
    contrast = float(luma.std())
    highest, lowest = pixels.max(axis=2), pixels.min(axis=2)
    saturation = np.divide(highest - lowest, highest, out=np.zeros_like(highest), where=highest > 0)
    return ImageSignals(
        brightness=float(luma.mean()),
        contrast=contrast,
        saturation=float(saturation.mean()),
        sharpness=_laplacian_variance(luma),
        non_finite=non_finite,
        blank=contrast < _BLANK_CONTRAST,
    )


def perceptual_hash(rgb: NDArray[np.uint8] | NDArray[np.floating]) -> int:
    """The 64-bit DCT hash ("pHash", Zauner 2010): signs of the lowest 8x8 frequencies against their median.

    Images that look alike differ in a few bits; unrelated ones in about half of the 64.
    """
    pixels, _ = _unit_pixels(rgb)
    low = fft.dctn(_area_resize(pixels @ _LUMA, 32), norm="ortho")[:8, :8].ravel()
    bits = low > np.median(low[1:])  # the first is the brightness: it would only shift the median
    bits[0] = False
    return int(np.packbits(bits).view(">u8")[0])


def hamming(a: int, b: int) -> int:
    return (a ^ b).bit_count()


@dataclass(frozen=True)
class Fingerprint:
    """What is compared to find near-duplicates; `request` is the key of prompt and seed (`sample.request_key`)."""

    request: int
    hash: int


NEAR_DUPLICATE_BITS = 4


def near_duplicates(a: Fingerprint, b: Fingerprint, bits: int = NEAR_DUPLICATE_BITS) -> bool:
    """Whether different requests gave what looks like one image, the mark of a collapsed generator.

    The same prompt with the same seed ought to give the same image and never counts.
    """
    return a.request != b.request and hamming(a.hash, b.hash) <= bits


def _unit_pixels(rgb: NDArray[np.uint8] | NDArray[np.floating]) -> tuple[NDArray[np.float64], int]:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"expected an image [H, W, 3], got shape {rgb.shape}")
    if rgb.dtype == np.uint8:
        return rgb.astype(np.float64) / 255.0, 0
    if not np.issubdtype(rgb.dtype, np.floating):
        raise ValueError(f"expected uint8 or floating point pixels, got {rgb.dtype}")
    finite = np.isfinite(rgb)
    return np.clip(np.where(finite, rgb, 0.0), 0.0, 1.0).astype(np.float64), int(finite.size - finite.sum())


def _laplacian_variance(luma: NDArray[np.float64]) -> float:
    padded = np.pad(luma, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return float((neighbours - 4.0 * luma).var())


def _area_resize(plane: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Average over equal areas; exact for any size, larger or smaller than `side`."""
    for axis in (0, 1):
        plane = np.moveaxis(_area_weights(plane.shape[axis], side) @ np.moveaxis(plane, axis, 0), 0, axis)
    return plane


def _area_weights(size: int, side: int) -> NDArray[np.float64]:
    edges = np.linspace(0.0, size, side + 1)
    cells = np.arange(size)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.asarray(np.clip(overlap, 0.0, None) * side / size)
