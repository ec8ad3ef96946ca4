"""Prompts read by a model of one's own: CLIP's text side sees 77 tokens, and less of what they mean than others do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from registry.digests import canonical_json, digest_of
from safelight.errors import Kind, SafelightError
from safelight.scoring.embedder import Embedder, file_digest

_AT_ONCE = 32
_LEAST_LENGTH = 1e-12


class PromptEncoder(Protocol):
    """Turns prompts into vectors of a space of their own."""

    @property
    def digest(self) -> str:
        """Names the weights and how they are read."""
        ...

    def encode(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, d]."""
        ...


class SentenceEncoder:
    """Any text model that transformers loads from a folder of safetensors; a prompt is the mean over its tokens, which
    is how sentence models are trained to be read (Reimers and Gurevych 2019)."""

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        """Raises SafelightError `prompt_encoder_unavailable`; nothing is downloaded, no code of it run."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        files = sorted(each for each in folder.glob("*") if each.suffix in (".safetensors", ".json", ".txt", ".model"))
        if not any(each.suffix == ".safetensors" for each in files):
            raise _unavailable(f"{folder} holds no weights in safetensors")
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except Exception as error:  # each architecture fails in its own way
            raise _unavailable(f"transformers cannot load {folder}: {error}") from error
        self._model = model.eval().to(chosen)
        self._digest = digest_of(canonical_json({"pooling": "mean", "files": [file_digest(each) for each in files]}))

    @property
    def digest(self) -> str:
        return self._digest

    def encode(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        parts = [self._encode(list(prompts[start : start + _AT_ONCE])) for start in range(0, len(prompts), _AT_ONCE)]
        return np.concatenate(parts)

    def _encode(self, prompts: list[str]) -> NDArray[np.float32]:
        import torch

        tokens = self._tokenizer(prompts, padding=True, truncation=True, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state.float()
        counted = tokens["attention_mask"].unsqueeze(-1).float()
        mean = (states * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1.0)
        vectors = mean / mean.norm(dim=1, keepdim=True).clamp(min=_LEAST_LENGTH)
        return np.asarray(vectors.cpu().numpy(), np.float32)


class WithPromptFeatures:
    """An embedder that looks as before, while lenses tell prompts apart by an encoder's vectors.

    It has a digest of its own: with another encoder, what was seen before is not compared.
    """

    def __init__(self, embedder: Embedder, encoder: PromptEncoder) -> None:
        self._embedder, self._encoder = embedder, encoder

    @property
    def digest(self) -> str:
        return digest_of(canonical_json({"embedder": self._embedder.digest, "prompts": self._encoder.digest}))

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return self._embedder.embed_images(images)

    def embed_prompts(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        return self._embedder.embed_prompts(prompts)

    def prompt_features(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode(prompts)


def _unavailable(what: str) -> SafelightError:
    return SafelightError(
        Kind.UNAVAILABLE,
        "prompt_encoder_unavailable",
        f"There is no prompt encoder: {what}. Set scoring.prompt_encoder to a folder with a text model and its "
        "tokenizer, as transformers saves them, or leave it out.",
    )
