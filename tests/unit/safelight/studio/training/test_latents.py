from pathlib import Path

import pytest
import torch

from safelight.studio.training.latents import LatentSpace, fit
from safelight.studio.versions import WEIGHTS


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Smooth images: noise, much enlarged."""
    coarse = torch.rand(40, 3, 6, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic")


def test_fitted_space_keeps_smooth_images(images: torch.Tensor) -> None:
    space = fit(images)
    latents = space.encode(images)
    assert latents.shape == (40, 12, 16, 16)
    assert latents.square().mean().item() == pytest.approx(1, rel=0.05)
    assert (space.decode(latents) - images).square().mean().item() < 1e-3


def test_decoding_is_the_inverse_within_the_space(images: torch.Tensor) -> None:
    space = fit(images)
    latents = space.encode(images[:4])
    torch.testing.assert_close(space.encode(space.decode(latents)), latents, atol=1e-4, rtol=1e-4)


def test_saved_space_is_the_same(images: torch.Tensor, tmp_path: Path) -> None:
    space = fit(images)
    space.save(tmp_path / "space.safetensors")
    loaded = LatentSpace.load(tmp_path / "space.safetensors")
    torch.testing.assert_close(loaded.encode(images), space.encode(images))


def test_shipped_space_has_the_generators_shape() -> None:
    space = LatentSpace.load(WEIGHTS / "latent_space.safetensors")
    assert space.analysis.shape == (12, 48)
    torch.testing.assert_close(space.analysis @ space.synthesis, torch.eye(12), atol=5e-3, rtol=0)
