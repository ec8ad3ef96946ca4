"""PNGs of engines."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from safelight.serving.png import encode_png
from safelight.serving.rendering import Pixels


def decoded(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})
        return np.asarray(image)


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 2, 256]))
def test_not_a_bit_is_lost(seed: int, height: int, width: int, levels: int) -> None:
    pixels = np.random.default_rng(seed).integers(256 - levels, 256, (height, width, 3)).astype(np.uint8)
    assert np.array_equal(decoded(encode_png(pixels)), pixels)


def test_whatever_lies_in_memory_otherwise_is_the_same_image() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 30)).astype(np.uint8)
    turned = pixels.transpose(1, 2, 0)
    assert encode_png(turned) == encode_png(np.ascontiguousarray(turned))


def test_an_image_wider_than_tall_keeps_its_shape() -> None:
    assert decoded(encode_png(np.zeros((2, 5, 3), np.uint8))).shape == (2, 5, 3)


def test_a_damaged_image_is_told() -> None:
    png = bytearray(encode_png(np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)))
    png[len(png) // 2] ^= 1
    with pytest.raises((OSError, SyntaxError)):
        decoded(bytes(png))


def test_a_soft_image_takes_no_more_than_by_pillow() -> None:
    coarse = Image.effect_noise((32, 32), 60).convert("RGB")
    pixels = np.asarray(coarse.resize((256, 256), Image.Resampling.BICUBIC))
    peer = io.BytesIO()
    Image.fromarray(pixels).save(peer, "PNG", compress_level=1)
    assert len(encode_png(pixels)) < 1.05 * len(peer.getvalue())


def test_many_at_once_do_not_mix() -> None:
    images = [np.full((64, 64, 3), shade, np.uint8) for shade in range(32)]
    with ThreadPoolExecutor(4) as threads:
        for pixels, png in zip(images, threads.map(encode_png, images), strict=True):
            assert np.array_equal(decoded(png), pixels)
