"""The pipelines under contract: the real one on the studio's weights, and the one of plain noise."""

from pathlib import Path

import pytest

import safelight.studio
from registry.checkpoint import inspect
from registry.manifest import Manifest, parse_manifest
from safelight.serving.rendering import NoisePipeline, Pipeline

FOLDER = Path(safelight.studio.__file__).parent / "weights" / "good"


@pytest.fixture(scope="session")
def folder() -> Path:
    return FOLDER


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return parse_manifest(
        {
            "checkpoint": inspect(FOLDER).digest,
            "dtype": "float32",
            "defaults": {"steps": 2, "guidance": 3, "width": 32, "height": 32},
            "limits": {
                "min_side": 32,
                "max_side": 64,
                "max_steps": 50,
                "max_guidance": 20,
                "max_prompt_length": 500,
            },
            "golden": [{"prompt": "a red apple on a white background", "seed": 1}],
        }
    )


@pytest.fixture(scope="session", params=["noise", "diffusers"])
def pipeline(request: pytest.FixtureRequest, manifest: Manifest) -> Pipeline:
    if request.param == "noise":
        return NoisePipeline()
    from safelight.serving.pipeline import load

    return load(FOLDER, manifest, device="cpu", threads=1)
