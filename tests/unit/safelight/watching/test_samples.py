"""From scores to the columns a lens reads."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from monitors.sample import PARAMETERS
from registry.parameters import Defaults
from safelight.errors import SafelightError
from safelight.store.scores import GenerationScore, ScoredGeneration
from safelight.watching import recorded
from safelight.watching.recorded import RecordedSample
from safelight.watching.samples import SCHEMA, asked, request_parameters, row, sample

DEFAULTS = Defaults(steps=8, guidance=3.0, width=64, height=64)
SCORE = GenerationScore(
    generation_id=UUID(int=1),
    generator="studio",
    version=1,
    scored_at=datetime(2026, 11, 23, tzinfo=UTC),
    embedder_digest="sha256:e",
    alignment=0.8,
    sharpness=0.01,
    contrast=0.2,
    brightness=0.5,
    image_embedding=np.array([1.0, 0.0], np.float32),
    prompt_embedding=np.array([0.8, 0.6], np.float32),
)


def scored(score: GenerationScore = SCORE) -> ScoredGeneration:
    return ScoredGeneration(score, "a cat", {"steps": 16, "guidance": 3.0, "width": 64, "height": 64})


def test_a_request_is_how_it_departs_from_the_versions_defaults() -> None:
    columns = dict(zip(PARAMETERS, request_parameters({"steps": 16, "width": 128}, DEFAULTS), strict=True))
    assert columns == pytest.approx(
        {"log_steps": math.log(2), "guidance": 0.0, "log_pixels": math.log(2), "log_aspect": math.log(2)}
    )


def test_another_default_is_not_another_request() -> None:
    fewer = Defaults(steps=2, guidance=3.0, width=64, height=64)
    assert request_parameters({"steps": 2}, fewer) == request_parameters({"steps": 8}, DEFAULTS) == (0.0,) * 4


def test_what_is_not_known_counts_as_left_alone() -> None:
    assert request_parameters({}, DEFAULTS) == request_parameters({"steps": 3}, None) == (0.0,) * 4


@pytest.mark.parametrize("nonsense", ["many", True, 0, -4, 2**62, [8]])
def test_what_is_no_number_of_steps_stops_nobody(nonsense: object) -> None:
    said = {"steps": nonsense, "guidance": "strong", "width": 128}
    assert asked(said, DEFAULTS) == {"steps": 8, "guidance": 3.0, "width": 128, "height": 64}
    assert np.isfinite(request_parameters(said, DEFAULTS)).all()


def test_a_row_has_a_value_for_every_column() -> None:
    read = row(scored(), DEFAULTS)
    assert read is not None
    assert read.scalars == pytest.approx((0.8, math.log(0.01), 0.2, 0.5))
    whole = sample([read, read])
    assert len(whole) == 2
    assert whole.schema == SCHEMA


@pytest.mark.parametrize(
    "unreadable",
    [replace(SCORE, blank=True), replace(SCORE, image_embedding=None, alignment=None, broken_reason="image_missing")],
)
def test_what_shows_nothing_is_left_out(unreadable: GenerationScore) -> None:
    assert row(scored(unreadable), DEFAULTS) is None


def test_a_flat_image_has_a_finite_sharpness() -> None:
    read = row(scored(replace(SCORE, sharpness=0.0)), DEFAULTS)
    assert read is not None
    assert all(map(math.isfinite, read.scalars))


def test_a_sample_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sample([])


def test_a_recorded_sample_is_read_as_it_was_written(tmp_path: Path) -> None:
    read = row(scored(), DEFAULTS)
    assert read is not None
    recorded.write(tmp_path / "first", RecordedSample("sha256:b", "sha256:e", 3, sample([read] * 5)))
    found = recorded.read(tmp_path / "first")
    assert (found.bundle_digest, found.embedder_digest, found.blank, len(found.sample)) == (
        "sha256:b",
        "sha256:e",
        3,
        5,
    )
    assert found.sample.prompts == pytest.approx(np.tile(read.prompt, (5, 1)), abs=1e-3)
    assert (found.sample.prompt_keys == read.prompt_key).all()


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x08\0\0\0\0\0\0\0{}      "])
def test_another_file_is_no_recorded_sample(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "first").write_bytes(content)
    with pytest.raises(SafelightError) as refusal:
        recorded.read(tmp_path / "first")
    assert refusal.value.code == "recorded_sample_unreadable"
    with pytest.raises(SafelightError):
        recorded.read(tmp_path / "missing")
