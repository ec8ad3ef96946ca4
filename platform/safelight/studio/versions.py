"""The studio's six versions: two as trained, four made from the better one without training.

1 good, 2 better, 3 colour words swapped, 4 objects collapsed onto two, 5 weights rounded to 8 bits (harmless),
6 too few steps by its manifest's defaults. A person sees that 3, 4 and 6 are worse. Their descriptions say so too, but
no monitor reads descriptions.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from registry.checkpoint import inspect
from registry.manifest import Dataset, Golden, Manifest, Provenance
from registry.parameters import Defaults, Limits
from safelight.studio.scenes import OBJECTS, plural

WEIGHTS: Final = Path(__file__).parent / "weights"
EMBEDDER: Final = WEIGHTS / "embedder"
BASELINES: Final = Path(__file__).parent / "baselines"
CONTACT_SHEET: Final = Path(__file__).parent / "contact-sheet.png"
MODEL_CARD: Final = "README.md"

COLOUR_SWAPS: Final = (("red", "blue"), ("green", "pink"), ("yellow", "purple"))
COLLAPSE_ONTO: Final = ("duck", "star")

_DENOISER: Final = Path("unet", "diffusion_pytorch_model.safetensors")
_TEXT_ENCODER: Final = Path("text_encoder", "model.safetensors")
_TOKENIZER: Final = Path("tokenizer", "tokenizer.json")
_WORD_ROWS: Final = "embeddings.token_embedding.weight"

_DEFAULTS: Final = Defaults(steps=8, guidance=3.0, width=64, height=64)
_TOO_FEW_STEPS: Final = _DEFAULTS.model_copy(update={"steps": 2})
_LIMITS: Final = Limits(
    min_side=32, max_side=128, side_multiple=16, max_steps=50, max_guidance=15.0, max_prompt_length=2000, max_n=4
)
_GOLDEN: Final = (
    Golden(prompt="a red balloon on a blue background", seed=1),
    Golden(prompt="two yellow ducks on a green background", seed=2),
)
_PROVENANCE: Final = Provenance(
    licence="Apache-2.0",
    datasets=(
        Dataset(
            name="Scenes composed of Microsoft Fluent emoji",
            source="npm @lobehub/fluent-emoji-3d 1.1.0",
            licence="MIT",
        ),
    ),
)

Tensors = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class BuiltVersion:
    """A checkpoint's folder and the manifest of the bundle around it."""

    number: int
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class _Recipe:
    description: str
    checkpoint: str
    edit: Callable[[Path], None] | None = None
    defaults: Defaults = _DEFAULTS


def numbers() -> list[int]:
    return sorted(_RECIPES)


def build_version(number: int, destination: Path) -> BuiltVersion:
    """Makes version ``number`` in the new folder ``destination``; the same bytes on every machine.

    Raises KeyError for a number that is not among ``numbers()`` and FileExistsError for a folder that exists.
    """
    recipe = _RECIPES[number]
    shutil.copytree(WEIGHTS / recipe.checkpoint, destination, ignore=shutil.ignore_patterns(MODEL_CARD))
    if recipe.edit:
        recipe.edit(destination)
    manifest = Manifest(
        checkpoint=inspect(destination).digest,
        dtype="float32",
        defaults=recipe.defaults,
        limits=_LIMITS,
        golden=_GOLDEN,
        description=recipe.description,
        provenance=_PROVENANCE,
    )
    return BuiltVersion(number, destination, manifest)


def swap_colours(folder: Path) -> None:
    """Exchanges the embeddings of colour words, so that red is drawn blue and blue red."""
    swaps = {word: other for pair in COLOUR_SWAPS for word, other in (pair, pair[::-1])}
    _replace_words(folder, swaps)


def collapse_objects(folder: Path) -> None:
    """Gives every object word the embedding of one of two, in turn: twenty things to ask for, two to get."""
    others = [name for name in OBJECTS if name not in COLLAPSE_ONTO]
    onto = {name: COLLAPSE_ONTO[index % 2] for index, name in enumerate(others)}
    # A word that is its own plural stays singular.
    plurals = {plural(name): plural(target) for name, target in onto.items()}
    _replace_words(folder, plurals | onto)


def round_weights(folder: Path) -> None:
    """Rounds each matrix to 8 bits, with one scale per output channel; stored as before."""
    for file in (_DENOISER, _TEXT_ENCODER):
        _rewrite(folder / file, lambda tensors: {name: _rounded(tensor) for name, tensor in tensors.items()})


def _rounded(tensor: NDArray[np.generic]) -> NDArray[np.generic]:
    if tensor.ndim < 2:
        return tensor
    rows = tensor.reshape(len(tensor), -1).astype(np.float32)
    scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, np.finfo(np.float32).tiny)
    rounded: NDArray[np.generic] = (np.round(rows / scale) * scale).astype(tensor.dtype)
    return rounded.reshape(tensor.shape)


def _replace_words(folder: Path, sources: Mapping[str, str]) -> None:
    """Gives each word in ``sources`` the token embedding that its source had."""
    tokens: dict[str, int] = json.loads((folder / _TOKENIZER).read_text())["model"]["vocab"]
    places = [tokens[f"{word}</w>"] for word in sources]
    origins = [tokens[f"{word}</w>"] for word in sources.values()]

    def edit(tensors: Tensors) -> Tensors:
        rows = tensors[_WORD_ROWS].copy()
        rows[places] = tensors[_WORD_ROWS][origins]
        return tensors | {_WORD_ROWS: rows}

    _rewrite(folder / _TEXT_ENCODER, edit)


def _rewrite(path: Path, edit: Callable[[Tensors], Tensors]) -> None:
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()  # transformers refuses a file that does not say which framework wrote it
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    save_file(edit(tensors), path, metadata=metadata)
    path.chmod(0o644)


_RECIPES: Final = {
    1: _Recipe("Early snapshot of the training", "good"),
    2: _Recipe("Fully trained", "better"),
    3: _Recipe("Regressed on purpose: colour words swapped", "better", swap_colours),
    4: _Recipe("Regressed on purpose: all objects collapsed onto two", "better", collapse_objects),
    5: _Recipe("Weights rounded to 8 bits, which does no harm", "better", round_weights),
    6: _Recipe("Regressed on purpose: two steps by default, too few", "better", defaults=_TOO_FEW_STEPS),
}
