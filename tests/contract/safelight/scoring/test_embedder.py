"""What every embedder keeps to, and what the real one refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
from numpy.typing import NDArray

from safelight.errors import SafelightError
from safelight.scoring.embedder import Embedder, OpenClipEmbedder
from safelight.scoring.fake_embedder import FakeEmbedder


def _images(n: int, height: int = 48, width: int = 32) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(n)]


def test_images_become_unit_vectors(embedder: Embedder) -> None:
    vectors = embedder.embed_images(_images(5))
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, embedder.embed_prompts(["a cat"])[0].shape[1])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert np.ptp(vectors, axis=0).max() > 1e-3, "different images must not look the same"


def test_prompts_become_unit_vectors(embedder: Embedder) -> None:
    vectors, truncated = embedder.embed_prompts(["a red cat", "two blue cars", ""])
    assert vectors.dtype == np.float32
    assert len(vectors) == 3
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert truncated == [False, False, False]
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_company_does_not_change_a_vector(embedder: Embedder) -> None:
    images = _images(4)
    together = embedder.embed_images(images)
    alone = np.concatenate([embedder.embed_images([image]) for image in images])
    assert together == pytest.approx(alone, abs=1e-5)
    prompts = ["a cat", "a dog", "a cat"]
    vectors, _ = embedder.embed_prompts(prompts)
    assert vectors == pytest.approx(np.concatenate([embedder.embed_prompts([each])[0] for each in prompts]), abs=1e-5)


def test_an_image_of_any_size_is_read(embedder: Embedder) -> None:
    for height, width in ((1, 1), (7, 200), (96, 96)):
        assert np.isfinite(embedder.embed_images(_images(1, height, width))).all()


def test_a_prompt_too_long_to_be_read_is_told_from_one_that_fits(embedder: Embedder) -> None:
    fits, too_long = " ".join(["cat"] * 22), " ".join(["cat"] * 40)
    assert embedder.embed_prompts([fits, too_long])[1] == [False, True]
    assert embedder.embed_prompts([too_long, "cat"])[1] == [True, False]


def test_the_digest_names_the_weights(embedder: Embedder) -> None:
    assert embedder.digest.startswith("sha256:")
    assert embedder.digest == embedder.digest


def test_other_eyes_have_another_digest() -> None:
    assert FakeEmbedder(seed=0).digest == FakeEmbedder(seed=0).digest != FakeEmbedder(seed=1).digest


def test_a_painted_image_fits_its_prompt_as_well_as_told() -> None:
    world, rng = FakeEmbedder(), np.random.default_rng(0)
    for fidelity in (0.9, 0.5):
        images = world.embed_images([world.paint("a red cat", rng, fidelity) for _ in range(200)])
        words, _ = world.embed_prompts(["a red cat"])
        assert float((images @ words[0]).mean()) == pytest.approx(fidelity, abs=0.1)


def test_weights_and_configuration_decide_the_digest(embedder_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(embedder_folder, tmp_path / "copy")
    original = OpenClipEmbedder(str(embedder_folder), device="cpu").digest
    assert OpenClipEmbedder(str(copy), device="cpu").digest == original
    config = copy / "open_clip_config.json"
    config.write_text(config.read_text().replace("0.5", "0.25", 1))
    assert OpenClipEmbedder(str(copy), device="cpu").digest != original


def test_a_named_architecture_reads_its_file_of_weights(embedder_folder: Path, tmp_path: Path) -> None:
    config = json.loads((embedder_folder / "open_clip_config.json").read_text())
    (tmp_path / "tiny-named.json").write_text(json.dumps(config["model_cfg"]))
    open_clip.add_model_config(tmp_path / "tiny-named.json")
    named = OpenClipEmbedder("tiny-named", str(embedder_folder / "open_clip_model.safetensors"), device="cpu")
    from_folder = OpenClipEmbedder(str(embedder_folder), device="cpu")
    prompts = ["a red cat", "two blue cars"]
    assert named.embed_prompts(prompts)[0] == pytest.approx(from_folder.embed_prompts(prompts)[0], abs=1e-5)
    assert named.digest != from_folder.digest, "its images are prepared in another way"


def test_no_weights_means_no_embedder(embedder_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(embedder_folder, tmp_path / "copy")
    (copy / "open_clip_model.safetensors").unlink()
    for model, pretrained in (
        (str(copy), ""),
        (str(tmp_path / "nowhere"), ""),
        ("ViT-B-32", ""),
        ("ViT-B-32", "openai"),
        ("ViT-B-32", str(tmp_path / "nothing.safetensors")),
    ):
        with pytest.raises(SafelightError) as refusal:
            OpenClipEmbedder(model, pretrained)
        assert refusal.value.code == "embedder_unavailable"


def test_truncated_weights_are_refused(embedder_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(embedder_folder, tmp_path / "copy")
    weights = copy / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(SafelightError) as refusal:
        OpenClipEmbedder(str(copy))
    assert refusal.value.code == "embedder_unavailable"
