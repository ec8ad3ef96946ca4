"""Draws the contact sheet: the same prompts and seeds by every version, a row each.

Run as ``python -m safelight.studio.training.contact_sheet``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

import torch
from PIL import Image, ImageDraw

from safelight.studio.training.rendering import SIDE
from safelight.studio.training.sampling import Sampler
from safelight.studio.versions import CONTACT_SHEET, build_version, numbers

_PROMPTS: Final = (
    "a red heart on a grey background",
    "a yellow duck on a blue background",
    "an umbrella on a white background",
    "a small green star on a black background",
    "a large purple bell on a yellow background",
    "a blue house on a green background",
    "two orange cats on a white background",
    "three pink balloons on a blue background",
    "a red car and a blue mushroom on a grey background",
    "a white ghost and a green cup on a purple background",
    "a photo of a butterfly",
    "orange rocket on black",
)
_SEED: Final = 40
_MARGIN: Final = 4
_LABEL_WIDTH: Final = 64
_CAPTION_HEIGHT: Final = 52
_LETTERS_A_LINE: Final = 12


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the contact sheet of all versions.")
    parser.add_argument("--destination", type=Path, default=CONTACT_SHEET)
    options = parser.parse_args()
    torch.set_num_threads(1)

    step = SIDE + _MARGIN
    sheet = Image.new(
        "RGB", (_LABEL_WIDTH + step * len(_PROMPTS), _CAPTION_HEIGHT + step * len(numbers())), (255, 255, 255)
    )
    pen = ImageDraw.Draw(sheet)
    for column, prompt in enumerate(_PROMPTS):
        pen.multiline_text(
            (_LABEL_WIDTH + column * step, 2), _wrapped(prompt), fill=(40, 40, 40), font_size=9, spacing=1
        )
    with tempfile.TemporaryDirectory() as folder:
        for row, number in enumerate(numbers()):
            top = _CAPTION_HEIGHT + row * step
            pen.text((2, top + SIDE // 2 - 6), f"version {number}", fill=(40, 40, 40), font_size=11)
            images = Sampler(build_version(number, Path(folder, str(number)))).draw(_PROMPTS, _SEED)
            for column, pixels in enumerate(images):
                sheet.paste(Image.fromarray(pixels), (_LABEL_WIDTH + column * step, top))
    sheet.save(options.destination, optimize=True)


def _wrapped(prompt: str) -> str:
    lines = [""]
    for word in prompt.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LETTERS_A_LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


if __name__ == "__main__":
    main()
