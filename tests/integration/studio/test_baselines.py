"""The recorded baselines as they ship: bound to what ships beside them, and enough for a lens."""

from pathlib import Path

import numpy as np
import pytest

from safelight.errors import SafelightError
from safelight.scoring.embedder import OpenClipEmbedder
from safelight.studio.versions import BASELINES, EMBEDDER, build_version
from safelight.watching.baselines import from_recorded
from safelight.watching.recorded import RecordedSample, read

VERSIONS = (1, 2)


@pytest.fixture(scope="module")
def recorded() -> dict[int, RecordedSample]:
    return {number: read(BASELINES / f"version-{number}.safetensors") for number in VERSIONS}


@pytest.mark.parametrize("number", VERSIONS)
def test_baseline_is_of_the_shipped_weights(recorded: dict[int, RecordedSample], number: int, tmp_path: Path) -> None:
    digest = build_version(number, tmp_path / "version").manifest.digest
    embedder = OpenClipEmbedder(str(EMBEDDER), device="cpu").digest
    assert (recorded[number].bundle_digest, recorded[number].embedder_digest) == (digest, embedder)


@pytest.mark.parametrize("number", VERSIONS)
def test_a_lens_can_be_fitted(recorded: dict[int, RecordedSample], number: int) -> None:
    def fit(bundle_digest: str) -> None:
        from_recorded(
            recorded[number],
            generator="studio",
            version=number,
            bundle_digest=bundle_digest,
            embedder_digest=recorded[number].embedder_digest,
            name="shipped",
            created_by="test",
        )

    fit(recorded[number].bundle_digest)
    with pytest.raises(SafelightError, match="Record it again"):
        fit("sha256:" + "0" * 64)


def test_better_version_fits_its_prompts_better(recorded: dict[int, RecordedSample]) -> None:
    alignment = {number: float(each.sample.scalars[:, 0].mean()) for number, each in recorded.items()}
    assert alignment[2] > alignment[1] > 0.5


@pytest.mark.parametrize("number", VERSIONS)
def test_recording_holds_units_and_no_broken_image(recorded: dict[int, RecordedSample], number: int) -> None:
    assert recorded[number].blank == 0
    for vectors in (recorded[number].sample.images, recorded[number].sample.prompts):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
