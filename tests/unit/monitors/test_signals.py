from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import fft

from monitors.sample import prompt_key
from monitors.signals import Fingerprint, hamming, image_signals, near_duplicates, perceptual_hash


def scene(seed: int, size: int = 64) -> NDArray[np.uint8]:
    """A few soft blobs of colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    image = np.zeros((size, size, 3))
    for _ in range(6):
        cx, cy, radius = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.1, 0.4)
        blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
        image += blob[..., None] * rng.uniform(0, 1, 3)
    return np.asarray(255 * image / image.max(), dtype=np.uint8)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_plain_image_is_blank(grey: int) -> None:
    signals = image_signals(np.full((32, 48, 3), grey, np.uint8))
    assert signals.blank
    assert signals.broken
    assert (signals.contrast, signals.sharpness) == (0.0, 0.0)
    assert signals.brightness == pytest.approx(grey / 255)


def test_a_picture_is_not_blank_and_blurring_softens_it() -> None:
    sharp = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    soft = sharp.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3)).repeat(2, axis=0).repeat(2, axis=1).astype(np.uint8)
    assert not image_signals(soft).broken
    assert image_signals(soft).sharpness < image_signals(sharp).sharpness


def test_pixels_that_are_no_number_are_counted() -> None:
    image = scene(0) / 255.0
    image[3, 4, 0] = np.nan
    image[5, 6] = np.inf
    signals = image_signals(image)
    assert signals.non_finite == 4
    assert signals.broken
    assert not signals.blank
    assert np.isfinite([signals.brightness, signals.contrast, signals.sharpness]).all()


def test_bytes_and_floats_of_one_image_read_the_same() -> None:
    assert image_signals(scene(1)) == image_signals(scene(1) / 255.0)


@given(st.integers(0, 1000), st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 30, 256]))
def test_signals_follow_their_formulas_in_double_precision(seed: int, height: int, width: int, levels: int) -> None:
    rgb = np.random.default_rng(seed).integers(256 - levels, 256, (height, width, 3)).astype(np.uint8)
    luma = rgb.astype(np.float64) / 255.0 @ [0.299, 0.587, 0.114]
    edged = np.pad(luma, 1, mode="edge")
    laplacian = edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:] - 4.0 * luma
    signals = image_signals(rgb)
    found = (signals.brightness, signals.contrast, signals.sharpness)
    assert found == pytest.approx((luma.mean(), luma.std(), laplacian.var()), rel=1e-6, abs=1e-12)


def test_a_large_soft_picture_loses_nothing_to_single_precision() -> None:
    rgb = scene(3, 1024)
    luma = rgb.astype(np.float64) / 255.0 @ [0.299, 0.587, 0.114]
    signals = image_signals(rgb)
    assert signals.contrast == pytest.approx(luma.std(), rel=1e-7)
    flat = np.full((1024, 1024, 3), 201, np.uint8)
    flat[0, 0] = 202
    assert image_signals(flat).sharpness == pytest.approx(6 / 255**2 / 2**20, rel=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (96, 32), (50, 70), (33, 129), (7, 9)])
def test_the_hash_is_that_of_its_formula_in_double_precision(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    luma = rgb.astype(np.float64) @ [0.299, 0.587, 0.114]
    for axis in (0, 1):  # every cell so many times that an area holds whole ones
        luma = luma.repeat(32, axis=axis)
    areas = luma.reshape(32, size[0], 32, size[1]).mean(axis=(1, 3))
    low = fft.dctn(areas, norm="ortho")[:8, :8].ravel()
    bits = low > np.median(low[1:])
    bits[0] = False
    assert perceptual_hash(rgb) == int("".join("01"[bit] for bit in bits.astype(int)), 2)


@pytest.mark.parametrize(
    "wrong", [np.zeros((8, 8)), np.zeros((8, 8, 4)), np.zeros((0, 8, 3)), np.zeros((8, 8, 3), int)]
)
def test_what_is_no_image_is_refused(wrong: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="expected"):
        image_signals(wrong)


def test_the_hash_survives_noise() -> None:
    """A faint scene may lose more bits than most, so it is all of them together that have to hold."""
    distances = [
        hamming(perceptual_hash(scene(seed)), perceptual_hash(noisy(scene(seed), seed))) for seed in range(300)
    ]
    assert np.median(distances) <= 2
    assert np.mean([distance <= 6 for distance in distances]) > 0.99


@given(st.integers(0, 1000))
def test_the_hash_survives_scaling(seed: int) -> None:
    image = scene(seed)
    larger = image.repeat(2, axis=0).repeat(2, axis=1)
    assert 0 <= perceptual_hash(image) < 2**64
    assert hamming(perceptual_hash(image), perceptual_hash(larger)) <= 2


def noisy(image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_hashes_of_different_scenes_lie_far_apart() -> None:
    hashes = [perceptual_hash(scene(seed)) for seed in range(40)]
    distances = [hamming(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert np.median(distances) > 20
    assert np.mean([d <= 4 for d in distances]) < 0.01


def test_any_size_can_be_hashed() -> None:
    for height, width in ((1, 1), (7, 5), (33, 100)):
        assert 0 <= perceptual_hash(np.zeros((height, width, 3), np.uint8)) < 2**64


def test_a_near_duplicate_is_the_same_picture_for_another_prompt() -> None:
    red_cat, red_dog = prompt_key("a red cat"), prompt_key("a red dog")
    assert near_duplicates(Fingerprint(red_cat, 0b1111), Fingerprint(red_dog, 0b0011))
    assert not near_duplicates(Fingerprint(red_cat, 0), Fingerprint(red_cat, 0))
    assert not near_duplicates(Fingerprint(red_cat, 0b11111), Fingerprint(red_dog, 0))
