"""Prompts read by a sentence model of one's own: a small one, written here as transformers writes them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from monitors.fitting import fit_lens
from monitors.lens import Lens
from registry.parameters import Defaults
from safelight.errors import SafelightError
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.measuring import measure
from safelight.scoring.prompt_features import SentenceEncoder, WithPromptFeatures
from safelight.scoring.stream import record

WORDS = ("red", "blue", "green", "cat", "dog", "car", "house", "on", "grass", "snow")
DIMENSIONS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model of random weights, and its tokenizer."""
    found = tmp_path_factory.mktemp("encoder")
    vocabulary = found / "vocab.txt"
    vocabulary.write_text("\n".join(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)))
    BertTokenizer(str(vocabulary)).save_pretrained(found)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=DIMENSIONS,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(found)
    return found


@pytest.fixture(scope="module")
def encoder(folder: Path) -> SentenceEncoder:
    return SentenceEncoder(folder, device="cpu")


def test_vectors_are_of_length_one_and_what_is_beside_a_prompt_changes_nothing(encoder: SentenceEncoder) -> None:
    together = encoder.encode(["red cat", "a blue dog on green grass", ""])
    assert together.shape == (3, DIMENSIONS)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    alone = np.concatenate([encoder.encode([prompt]) for prompt in ("red cat", "a blue dog on green grass", "")])
    assert together == pytest.approx(alone, abs=1e-5)
    assert float(together[0] @ together[1]) < 0.999


def test_alignment_stays_the_embedders_and_a_lens_reads_the_encoders(encoder: SentenceEncoder) -> None:
    eyes, rng = FakeEmbedder(), np.random.default_rng(0)
    picture = eyes.paint("red cat", rng)
    (plain,) = measure(eyes, ["red cat"], [picture])
    (read,) = measure(WithPromptFeatures(eyes, encoder), ["red cat"], [picture])
    assert read.alignment == plain.alignment
    assert read.prompt == pytest.approx(encoder.encode(["red cat"])[0], abs=1e-6)
    assert (plain.prompt.shape, read.prompt.shape) == ((16,), (DIMENSIONS,))


def test_another_encoder_is_another_embedder(folder: Path, encoder: SentenceEncoder, tmp_path: Path) -> None:
    eyes = FakeEmbedder()
    other = tmp_path / "other"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    assert (
        WithPromptFeatures(eyes, SentenceEncoder(other, device="cpu")).digest
        == WithPromptFeatures(eyes, encoder).digest
    )
    (other / "config.json").write_text((other / "config.json").read_text().replace("gelu", "relu"))
    digests = {eyes.digest, WithPromptFeatures(eyes, encoder).digest}
    assert WithPromptFeatures(eyes, SentenceEncoder(other, device="cpu")).digest not in digests


def test_a_lens_is_fitted_in_the_encoders_space(encoder: SentenceEncoder) -> None:
    eyes, rng = FakeEmbedder(), np.random.default_rng(1)
    prompts = [" ".join(rng.choice(WORDS, 4)) for _ in range(700)]
    asked = {"steps": 8, "guidance": 3.0, "width": 64, "height": 64}
    pictures = [eyes.paint(prompt, rng) for prompt in prompts]
    sight = WithPromptFeatures(eyes, encoder)
    recorded = record(sight, "sha256:b", prompts, [asked] * len(prompts), pictures, Defaults(**asked))
    assert recorded.sample.prompts.shape == (700, DIMENSIONS)
    lens: Lens = fit_lens(recorded.sample, 0)
    assert np.isfinite(lens.features(recorded.sample).surprise).all()


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SafelightError, match="no weights in safetensors") as refused:
        SentenceEncoder(tmp_path)
    assert refused.value.code == "prompt_encoder_unavailable"
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(SafelightError, match="transformers cannot load"):
        SentenceEncoder(tmp_path)
