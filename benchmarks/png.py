"""What a PNG of an engine costs to make, to keep and to read again, beside Pillow's: `python -m benchmarks.png`.

Processor time, the least of `--times`. Two images: one of the texture that `benchmarks.stages` draws, and the studio's
contact sheet enlarged, which has large plain areas.
"""

import argparse
import io
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files

import numpy as np
from PIL import Image

from benchmarks.stages import Pixels, pictures
from safelight.serving.png import encode_png

_LEVELS = (1, 3, 6)


def studio(side: int) -> Pixels:
    with files("safelight.studio").joinpath("contact-sheet.png").open("rb") as file:
        sheet = Image.open(file).convert("RGB")
    part = sheet.crop((0, 0, sheet.height, sheet.height))
    return np.asarray(part.resize((side, side), Image.Resampling.BICUBIC))


def by_pillow(pixels: Pixels, level: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=level)
    return out.getvalue()


def read(png: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(png)))


def least(work: Callable[[], object], times: int) -> float:
    """Milliseconds of processor time."""
    spent = []
    for _ in range(times):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return min(spent) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--times", type=int, default=10)
    asked = parser.parse_args()
    ways: dict[str, Callable[[Pixels], bytes]] = {
        "an engine": encode_png,
        **{f"Pillow, level {level}": partial(by_pillow, level=level) for level in _LEVELS},
    }
    [texture] = pictures(asked.side, 1)
    for name, pixels in {"texture": texture, "studio, enlarged": studio(asked.side)}.items():
        print(f"{name + ', ' + str(asked.side):28}{'ms to encode':>14}{'KB':>8}{'ms to read':>12}")
        for way, encode in ways.items():
            png = encode(pixels)
            if not np.array_equal(read(png), pixels):
                raise SystemExit(f"{way}: not the same image")
            made, again = least(partial(encode, pixels), asked.times), least(partial(read, png), asked.times)
            print(f"{way:28}{made:14.1f}{len(png) / 1000:8.0f}{again:12.1f}")
        print()


if __name__ == "__main__":
    main()
