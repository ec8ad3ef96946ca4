import numpy as np
import pytest

from safelight.studio.scenes import BACKGROUNDS
from safelight.studio.training.pixel_judge import Reading, read
from safelight.studio.training.rendering import BACKGROUND_RGB, Pixels


def image(background: str, rgb: tuple[int, int, int], places: list[tuple[int, int]], side: int = 16) -> Pixels:
    pixels = np.empty((64, 64, 3), dtype=np.uint8)
    pixels[:] = BACKGROUND_RGB[background]
    for x, y in places:
        pixels[y : y + side, x : x + side] = rgb
    return pixels


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_reads_the_background(background: str) -> None:
    assert read(image(background, (226, 40, 40), [(24, 24)])).background == background


@pytest.mark.parametrize(
    ("colour", "rgb"),
    [("red", (226, 40, 40)), ("blue", (40, 95, 225)), ("yellow", (250, 212, 30)), ("white", (236, 236, 240))],
)
def test_reads_the_colour(colour: str, rgb: tuple[int, int, int]) -> None:
    assert read(image("black", rgb, [(24, 24)])).colour == colour


def test_counts_what_stands_apart() -> None:
    assert read(image("green", (226, 40, 40), [(4, 4), (40, 4), (20, 40)])).count == 3


def test_empty_image_shows_nothing() -> None:
    assert read(image("grey", (0, 0, 0), [])) == Reading("grey", None, 0)
