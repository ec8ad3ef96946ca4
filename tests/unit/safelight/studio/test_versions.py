import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from registry.checkpoint import inspect
from safelight.studio.scenes import COLOURS, OBJECTS, plural
from safelight.studio.versions import (
    COLLAPSE_ONTO,
    COLOUR_SWAPS,
    EMBEDDER,
    WEIGHTS,
    BuiltVersion,
    build_version,
    numbers,
)

UNET = "unet/diffusion_pytorch_model.safetensors"
TEXT_ENCODER = "text_encoder/model.safetensors"
WORDS = "embeddings.token_embedding.weight"

Build = Callable[[int], BuiltVersion]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("versions")
    built: dict[int, BuiltVersion] = {}

    def once(number: int) -> BuiltVersion:
        if number not in built:
            built[number] = build_version(number, folder / str(number))
        return built[number]

    return once


def files(version: BuiltVersion) -> dict[str, bytes]:
    return {str(p.relative_to(version.folder)): p.read_bytes() for p in version.folder.rglob("*") if p.is_file()}


def differing(first: BuiltVersion, second: BuiltVersion) -> set[str]:
    one, other = files(first), files(second)
    assert one.keys() == other.keys()
    return {path for path in one if one[path] != other[path]}


def word_rows(version: BuiltVersion) -> dict[str, NDArray[np.generic]]:
    tokens = json.loads((version.folder / "tokenizer/tokenizer.json").read_text())["model"]["vocab"]
    rows = load_file(version.folder / TEXT_ENCODER)[WORDS]
    return {token: rows[index] for token, index in tokens.items()}


def changed_words(before: BuiltVersion, after: BuiltVersion) -> set[str]:
    old, new = word_rows(before), word_rows(after)
    return {token.removesuffix("</w>") for token in old if not np.array_equal(old[token], new[token])}


@pytest.mark.parametrize("number", numbers())
def test_every_version_is_a_checkpoint_the_registry_accepts(build: Build, number: int) -> None:
    version = build(number)
    checkpoint = inspect(version.folder)
    assert version.manifest.checkpoint == checkpoint.digest
    assert checkpoint.pipeline_class == "StableDiffusionPipeline"
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in version.folder.rglob("*"))


def test_bundles_differ_and_building_repeats(build: Build, tmp_path: Path) -> None:
    assert len({build(number).manifest.digest for number in numbers()}) == 6
    assert build_version(3, tmp_path / "again").manifest.digest == build(3).manifest.digest


def test_good_and_better_differ_in_their_training_only(build: Build) -> None:
    assert differing(build(1), build(2)) == {UNET, TEXT_ENCODER}


def test_third_version_exchanges_the_rows_of_colour_words_and_nothing_else(build: Build) -> None:
    assert differing(build(2), build(3)) == {TEXT_ENCODER}
    assert changed_words(build(2), build(3)) == {word for pair in COLOUR_SWAPS for word in pair} <= set(COLOURS)
    before, after = word_rows(build(2)), word_rows(build(3))
    for one, other in COLOUR_SWAPS:
        np.testing.assert_array_equal(after[f"{one}</w>"], before[f"{other}</w>"])
        np.testing.assert_array_equal(after[f"{other}</w>"], before[f"{one}</w>"])
    old, new = load_file(build(2).folder / TEXT_ENCODER), load_file(build(3).folder / TEXT_ENCODER)
    assert {name for name in old if not np.array_equal(old[name], new[name])} == {WORDS}


def test_fourth_version_knows_two_objects(build: Build) -> None:
    assert differing(build(2), build(4)) == {TEXT_ENCODER}
    before, after = word_rows(build(2)), word_rows(build(4))
    for form in (str, plural):
        targets = [before[f"{form(name)}</w>"].tobytes() for name in COLLAPSE_ONTO]
        drawn = [after[f"{form(name)}</w>"].tobytes() for name in OBJECTS if plural(name) != name]
        assert {targets.index(row) for row in drawn} == {0, 1}
    names = {form(name) for name in OBJECTS for form in (str, plural)}
    assert changed_words(build(2), build(4)) == names - {form(name) for name in COLLAPSE_ONTO for form in (str, plural)}


def test_fifth_version_is_rounded_to_eight_bits(build: Build) -> None:
    assert differing(build(2), build(5)) == {UNET, TEXT_ENCODER}
    before, after = load_file(build(2).folder / UNET), load_file(build(5).folder / UNET)
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype == np.float16
        if tensor.ndim < 2:
            np.testing.assert_array_equal(after[name], tensor)
            continue
        rows = tensor.reshape(len(tensor), -1).astype(np.float32)
        rounded = after[name].reshape(rows.shape).astype(np.float32)
        # Half a step of the row's own scale, and what half precision adds.
        assert np.all(np.abs(rounded - rows) <= np.abs(rows).max(axis=1, keepdims=True) * (0.5 / 127 + 1e-3))
        assert max(len(np.unique(row)) for row in rounded) <= 255


def test_sixth_version_has_the_weights_of_the_second_and_too_few_steps(build: Build) -> None:
    assert differing(build(2), build(6)) == set()
    assert build(6).manifest.checkpoint == build(2).manifest.checkpoint
    assert build(6).manifest.defaults.steps == 2 < build(2).manifest.defaults.steps == 8


def test_unknown_number_and_existing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        build_version(7, tmp_path / "seven")
    with pytest.raises(FileExistsError):
        build_version(1, tmp_path)


def test_shipped_files_are_readable_by_everyone_and_name_no_folder() -> None:
    shipped = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert EMBEDDER.parent == WEIGHTS
    assert shipped
    for path in shipped:
        assert path.stat().st_mode & 0o044 == 0o044, path
    for path in WEIGHTS.rglob("config.json"):
        assert not json.loads(path.read_text()).get("_name_or_path"), path
