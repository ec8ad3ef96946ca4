"""What a version looked like when it was registered is what every engine of it must draw."""

from pathlib import Path

import pytest

import safelight.studio
from registry.assembling import assembled, completed
from registry.checkpoint import inspect
from registry.drafting import draft_manifest
from registry.manifest import parse_manifest
from safelight.comparing.golden import drawn_golden
from safelight.errors import SafelightError
from safelight.serving.golden import GoldenResult, check
from safelight.serving.pipeline import load

WEIGHTS = Path(safelight.studio.__file__).parent / "weights"


def test_kept_images_tell_one_checkpoint_from_another_and_not_one_precision_from_another() -> None:
    drafted = draft_manifest(WEIGHTS / "better")
    golden = [{"prompt": f"a {what} on a white background", "seed": 1} for what in ("red apple", "blue car")]
    document = drafted.model_dump(mode="json") | {"golden": golden}
    document["defaults"]["steps"] = 10
    entries, images = drawn_golden(WEIGHTS / "better", parse_manifest(document), device="cpu", threads=1)
    with assembled(WEIGHTS / "better", [], images) as whole:
        assert {"golden/0.png", "golden/1.png"} <= {file.path for file in inspect(whole).files}
        manifest = parse_manifest(completed(inspect(whole), document | {"golden": entries}, []))
        for folder, dtype, result in (
            ("better", "float32", GoldenResult.PASSED),
            ("better", "bfloat16", GoldenResult.PASSED),
            ("good", "float32", GoldenResult.DIFFERENT),
        ):
            changed = manifest.model_copy(update={"dtype": dtype})
            pipeline = load(WEIGHTS / folder, changed, device="cpu", threads=1)
            assert check(pipeline, changed, whole)[0] is result, (folder, dtype)
    assert not (WEIGHTS / "better" / "golden").exists()


def test_one_that_draws_nothing_is_not_registered() -> None:
    manifest = draft_manifest(WEIGHTS / "better")
    epsilon = parse_manifest(
        manifest.model_dump(mode="json")
        | {"scheduler": {"class_name": "DDIMScheduler", "config": {"prediction_type": "epsilon"}}}
    )
    with pytest.raises(SafelightError) as refused:
        drawn_golden(WEIGHTS / "better", epsilon, device="cpu", threads=1)
    assert refused.value.code == "golden_failed"
