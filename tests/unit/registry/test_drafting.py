"""A first manifest, read off a checkpoint."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.checkpoint import inspect
from registry.drafting import draft_manifest
from registry.fakes import write_checkpoint
from registry.refusals import CheckpointRefused


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "checkpoint")


def _configure(part: Path, **config: object) -> None:
    (part / "config.json").write_text(json.dumps(config))


def test_the_draft_is_of_the_folder_and_holds_together(checkpoint: Path) -> None:
    manifest = draft_manifest(checkpoint, "mine")
    assert manifest.checkpoint == inspect(checkpoint).digest
    assert manifest.description == "mine"


def test_the_native_size_is_latents_times_the_decoders_factor(checkpoint: Path) -> None:
    _configure(checkpoint / "unet", sample_size=96)
    _configure(checkpoint / "vae", block_out_channels=[1, 2, 3, 4])
    manifest = draft_manifest(checkpoint)
    assert (manifest.defaults.width, manifest.defaults.height) == (768, 768)
    assert (manifest.limits.min_side, manifest.limits.max_side) == (384, 1536)


def test_a_denoiser_that_does_not_say_gets_the_usual_size(checkpoint: Path) -> None:
    assert draft_manifest(checkpoint).defaults.width == 1024


@pytest.mark.parametrize(("stored", "expected"), [(np.float16, "float16"), (np.float32, "float32")])
def test_it_runs_in_what_it_is_stored_in(checkpoint: Path, stored: type[np.floating], expected: str) -> None:
    save_file({"weight": np.zeros(4, stored)}, checkpoint / "unet" / "diffusion_pytorch_model.safetensors")
    assert draft_manifest(checkpoint).dtype == expected


def test_an_unsafe_checkpoint_gets_no_draft(checkpoint: Path) -> None:
    (checkpoint / "unet" / "weights.bin").write_bytes(b"\x80\x04}.")
    with pytest.raises(CheckpointRefused):
        draft_manifest(checkpoint)
