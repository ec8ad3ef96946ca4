"""What is read of one image, and which images look alike."""

import io
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from safelight.scoring.duplicates import RecentImages
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.measuring import decode, measure
from safelight.store.scores import RecentHash


def encoded(image: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def test_images_of_every_form_become_pixels() -> None:
    for mode, form in (("RGB", "PNG"), ("L", "PNG"), ("RGBA", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP")):
        pixels = decode(encoded(Image.new(mode, (5, 3)), form))
        assert pixels.shape == (3, 5, 3)
        assert pixels.dtype == np.uint8


@pytest.mark.parametrize("content", [b"", b"not an image", encoded(Image.new("RGB", (64, 64)), "PNG")[:60]])
def test_bytes_that_are_no_image_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no image"):
        decode(content)


def test_measuring_keeps_image_and_prompt_together() -> None:
    world, rng = FakeEmbedder(), np.random.default_rng(0)
    prompts = ["red cat", "blue car", "green house"]
    found = measure(world, prompts, [world.paint(prompt, rng) for prompt in prompts])
    assert [each.alignment > 0.7 for each in found] == [True] * 3
    mixed = measure(world, prompts[1:] + prompts[:1], [world.paint(prompt, rng) for prompt in prompts])
    assert max(each.alignment for each in mixed) < 0.7


def test_measuring_nothing_asks_nobody() -> None:
    assert measure(FakeEmbedder(), [], []) == []


def test_the_same_picture_for_another_prompt_is_a_duplicate() -> None:
    known = [RecentHash(UUID(int=1), "red cat", 0b1111)]
    assert RecentImages(known).duplicate_of(UUID(int=2), "blue car", 0b1111) == UUID(int=1)
    assert RecentImages(known).duplicate_of(UUID(int=2), "blue car", 0b0110) == UUID(int=1), "a few bits may differ"
    assert RecentImages(known).duplicate_of(UUID(int=2), "blue car", ~0b1111 & (2**64 - 1)) is None
    assert RecentImages(known).duplicate_of(UUID(int=2), "red cat", 0b1111) is None, "one prompt may repeat itself"


def test_images_of_one_batch_are_held_against_each_other() -> None:
    images = RecentImages([])
    assert images.duplicate_of(UUID(int=1), "red cat", 7) is None
    assert images.duplicate_of(UUID(int=2), "blue car", 7) == UUID(int=1)
    assert images.duplicate_of(UUID(int=3), "dog", 7) == UUID(int=2), "the newest one"
