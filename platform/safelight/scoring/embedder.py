"""Embeddings of images and prompts by a CLIP model. The only file that knows open_clip."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from registry.digests import canonical_json, digest_of
from safelight.errors import Kind, SafelightError

_WEIGHTS = "open_clip_model.safetensors"
_CONFIG = "open_clip_config.json"
_PROMPTS_KEPT = 4096


class Embedder(Protocol):
    """Turns images and prompts into vectors of one space, so that a picture can be held against its words."""

    @property
    def digest(self) -> str:
        """Names the weights and their preparation: vectors of different digests are never compared."""
        ...

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Unit vectors [n, d] of images [H, W, 3] of any size."""
        ...

    def embed_prompts(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        """Unit vectors [n, d], and for each prompt whether its end was cut off because it is too long to be read."""
        ...

    def prompt_features(self, prompts: Sequence[str]) -> NDArray[np.float32] | None:
        """Unit vectors [n, d'] of a space of their own, by which a lens tells prompts apart; None where it goes by the
        vectors of `embed_prompts`."""
        ...


@dataclass(frozen=True)
class _Source:
    """Where a model comes from: an open_clip name, its weights, and what else decides its vectors."""

    name: str
    weights: Path | None
    files: tuple[Path, ...]
    text: dict[str, Any]


class OpenClipEmbedder:
    """Any open_clip model, from a folder that open_clip wrote or by name with a file of weights."""

    def __init__(self, model: str, pretrained: str = "", *, device: str = "auto", threads: int = 1) -> None:
        """`model` is a folder, or the name of an architecture whose weights are the file `pretrained`.

        Sets the number of CPU threads torch uses in the whole process: too many cost more than any model does.
        Raises SafelightError `embedder_unavailable`; weights are never downloaded, guessed or random.
        """
        import open_clip
        import torch

        torch.set_num_threads(threads)
        source = _folder(Path(model)) if Path(model).is_dir() else _named(model, pretrained)
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            loaded, self._prepare = open_clip.create_model_from_pretrained(
                source.name, pretrained=str(source.weights) if source.weights else None, device=chosen
            )
        except Exception as error:  # each format of weights fails in its own way
            raise _unavailable(f"open_clip cannot load {model!r}: {error}") from error
        self._model = loaded.eval()
        self._device = torch.device(chosen)
        self._tokenize: Callable[..., Any] = open_clip.get_tokenizer(source.name, **source.text)
        self._context = int(loaded.context_length)
        self._digest = _digest(source, loaded.visual.preprocess_cfg)
        self._known: OrderedDict[str, tuple[NDArray[np.float32], bool]] = OrderedDict()

    @property
    def digest(self) -> str:
        return self._digest

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        import torch
        from PIL import Image

        pixels = torch.stack([self._prepare(Image.fromarray(image)) for image in images])
        with torch.inference_mode():
            return _array(self._model.encode_image(pixels.to(self._device), normalize=True))

    def embed_prompts(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        unknown = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        if unknown:
            self._learn(unknown)
        for prompt in prompts:
            self._known.move_to_end(prompt)
        answers = [self._known[prompt] for prompt in prompts]
        while len(self._known) > _PROMPTS_KEPT:
            self._known.popitem(last=False)
        return np.stack([vector for vector, _ in answers]), [truncated for _, truncated in answers]

    def prompt_features(self, prompts: Sequence[str]) -> None:  # noqa: ARG002 - an Embedder's signature
        return None

    def _learn(self, prompts: list[str]) -> None:
        import torch

        tokens = self._tokenize(prompts)
        # A prompt that fits reads the same with room for one token more; one that does not, does not end where it did.
        roomier = self._tokenize(prompts, context_length=self._context + 1)[:, : self._context]
        truncated = (tokens != roomier).any(dim=1).tolist()
        with torch.inference_mode():
            vectors = _array(self._model.encode_text(tokens.to(self._device), normalize=True))
        self._known.update(zip(prompts, zip(vectors, truncated, strict=True), strict=True))


def _array(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)


def _folder(folder: Path) -> _Source:
    folder = folder.resolve()
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise _unavailable(f"{folder} holds no {name}")
    text = json.loads((folder / _CONFIG).read_text())["model_cfg"].get("text_cfg", {}).get("tokenizer_kwargs", {})
    merges = [folder / text["bpe_path"]] if "bpe_path" in text else []
    return _Source(
        name=f"local-dir:{folder}",
        weights=None,
        files=(folder / _CONFIG, folder / _WEIGHTS, *merges, *sorted(folder.glob("tokenizer*.json"))),
        # open_clip looks for the merges beside itself, not beside the model.
        text={"bpe_path": str(merges[0])} if merges else {},
    )


def _named(name: str, pretrained: str) -> _Source:
    import open_clip

    if name not in open_clip.list_models():
        raise _unavailable(f"{name!r} is neither a folder nor an architecture that open_clip knows")
    weights = Path(pretrained)
    if not weights.is_file():
        raise _unavailable(f"there is no file of weights {pretrained!r} for {name}")
    return _Source(name=name, weights=weights, files=(weights,), text={})


def _digest(source: _Source, preparation: dict[str, Any]) -> str:
    architecture = source.name if source.weights else "local-dir"
    return digest_of(
        canonical_json(
            {
                "architecture": architecture,
                "files": [file_digest(file) for file in source.files],
                "preparation": {key: repr(value) for key, value in sorted(preparation.items())},
            }
        )
    )


def file_digest(file: Path) -> str:
    """SHA-256 of a file of any size, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unavailable(what: str) -> SafelightError:
    return SafelightError(
        Kind.UNAVAILABLE,
        "embedder_unavailable",
        f"There is no embedder: {what}. Set scoring.embedder to a folder with {_CONFIG} and {_WEIGHTS}, or to the name "
        "of an open_clip model, with scoring.pretrained naming its file of weights.",
    )
