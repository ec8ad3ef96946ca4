"""Puts trained parts together as the folders that Safelight ships.

Run as ``python -m safelight.studio.training.package`` after the three training scripts: ``good`` is an early
snapshot of the generator, ``better`` its end, both with the same autoencoder.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

from safelight.studio.training import latents, pipeline
from safelight.studio.training.tokenizer import MERGES_FILE
from safelight.studio.versions import WEIGHTS

_EMBEDDER_FILES = ("open_clip_config.json", "open_clip_model.safetensors", MERGES_FILE)


def package_generator(trained: Path, autoencoder: Path, destination: Path) -> None:
    """Joins a generator's snapshot and an autoencoder in ``destination``; a model card there stays."""
    pipeline.save(
        destination,
        UNet2DConditionModel.from_pretrained(trained, subfolder="unet", dtype=torch.float32),
        CLIPTextModel.from_pretrained(trained, subfolder="text_encoder", dtype=torch.float32),
        AutoencoderTiny.from_pretrained(autoencoder, dtype=torch.float32),
    )


def package_embedder(trained: Path, destination: Path) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    for name in _EMBEDDER_FILES:
        shutil.copyfile(trained / name, destination / name)


def main() -> None:
    parser = argparse.ArgumentParser(description="Package trained parts as the studio's weights.")
    parser.add_argument("--workspace", type=Path, default=Path(".studio"))
    parser.add_argument("--destination", type=Path, default=WEIGHTS, help="where good, better and embedder go")
    parser.add_argument("--good", default="early", help="the generator's snapshot to ship as the earlier version")
    parser.add_argument("--better", default="final", help="the snapshot to ship as the later version")
    options = parser.parse_args()

    for name, snapshot in (("good", options.good), ("better", options.better)):
        package_generator(
            options.workspace / "generator" / snapshot,
            options.workspace / "decoder" / "final",
            options.destination / name,
        )
    package_embedder(options.workspace / "embedder", options.destination / "embedder")
    shutil.copyfile(options.workspace / latents.FILE, options.destination / latents.FILE)
    print(f"Packaged in {options.destination}")


if __name__ == "__main__":
    main()
