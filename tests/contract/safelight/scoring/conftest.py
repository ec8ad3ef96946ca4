"""Both embedders, so that the contract is put to each; the real one reads weights written here."""

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from safelight.scoring.embedder import Embedder, OpenClipEmbedder
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.studio.versions import EMBEDDER

CONFIG: dict[str, dict[str, Any]] = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}


@pytest.fixture(scope="session")
def embedder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny open_clip model as open_clip keeps it: random, but written down."""
    folder = tmp_path_factory.mktemp("embedder")
    torch.manual_seed(0)
    model = open_clip.model.CLIP(**CONFIG["model_cfg"])
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(scope="session")
def open_clip_embedder(embedder_folder: Path) -> OpenClipEmbedder:
    return OpenClipEmbedder(str(embedder_folder), device="cpu")


@pytest.fixture(scope="session")
def studio_embedder() -> OpenClipEmbedder:
    return OpenClipEmbedder(str(EMBEDDER), device="cpu")


@pytest.fixture(params=["open_clip", "studio", "fake"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    real: OpenClipEmbedder = request.getfixturevalue(f"{request.param}_embedder")
    return real
