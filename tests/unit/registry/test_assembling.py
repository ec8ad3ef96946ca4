"""A checkpoint and adapters from elsewhere become one folder, and that folder passes inspection or is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.assembling import AdapterFile, assembled
from registry.checkpoint import inspect
from registry.fakes import write_checkpoint
from registry.manifest import ManifestCode, ManifestError, parse_manifest
from registry.refusals import CheckpointCode, CheckpointRefused
from registry.versions import inspect_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "checkpoint")


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.safetensors"
    save_file({"unet.to_q.lora_A.weight": np.ones((2, 4), np.float16)}, path)
    return path


def test_adapters_lie_under_their_names_beside_the_checkpoints_files(folder: Path, lora: Path) -> None:
    adapters = [AdapterFile(name="sketch", file=lora, scale=0.5), AdapterFile(name="faces", file=lora)]
    with assembled(folder, adapters) as whole:
        found = {file.path for file in inspect(whole).files}
        assert found - {file.path for file in inspect(folder).files} == {
            "adapters/sketch.safetensors",
            "adapters/faces.safetensors",
        }
        assert (whole / "adapters/sketch.safetensors").samefile(lora), "linked, not copied"
    assert not whole.exists()
    assert adapters[0].entry.model_dump() == {"name": "sketch", "file": "adapters/sketch.safetensors", "scale": 0.5}


def test_without_adapters_the_folder_is_taken_as_it_is(folder: Path) -> None:
    with assembled(folder, []) as whole:
        assert whole == folder


@pytest.mark.parametrize("name", ["nowhere", "", "a\0b"])
def test_what_is_no_checkpoint_is_not_copied_and_its_inspection_says_so(
    tmp_path: Path, lora: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "diary.txt").write_text("not a checkpoint")
    with assembled(Path(name), [AdapterFile(name="sketch", file=lora)]) as whole:
        assert whole == Path(name)
        with pytest.raises(CheckpointRefused):
            inspect(whole)


def test_a_file_system_without_links_is_copied(folder: Path, lora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(_source: str, _target: str) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    with assembled(folder, [AdapterFile(name="sketch", file=lora)]) as whole:
        assert (whole / "adapters/sketch.safetensors").read_bytes() == lora.read_bytes()


def test_one_that_is_not_there_and_one_whose_place_is_taken(folder: Path, lora: Path, tmp_path: Path) -> None:
    for adapters, code in [
        ([AdapterFile(name="sketch", file=tmp_path / "nowhere.safetensors")], ManifestCode.ADAPTER_MISSING),
        ([AdapterFile(name="sketch", file=lora)] * 2, ManifestCode.ADAPTER_INVALID),
    ]:
        with pytest.raises(ManifestError) as refused, assembled(folder, adapters):
            pass
        assert refused.value.code == code
    assert list(folder.parent.glob(".safelight-*")) == []


def test_what_is_no_adapter_is_refused_whatever_its_name(folder: Path, tmp_path: Path) -> None:
    pickle = tmp_path / "style.safetensors"
    pickle.write_bytes(b"\x80\x04N.")
    style = [AdapterFile(name="style", file=pickle)]
    with assembled(folder, style) as whole, pytest.raises(CheckpointRefused) as broken:
        inspect(whole)
    assert broken.value.code == CheckpointCode.UNSAFE_CONTENT
    save_file({"unet.to_q.weight": np.ones((4, 4), np.float16)}, pickle)
    with assembled(folder, style) as whole:
        manifest = parse_manifest(
            {
                "checkpoint": inspect(whole).digest,
                "adapters": [{"name": "style", "file": "adapters/style.safetensors"}],
                "dtype": "float16",
                "defaults": {"steps": 2, "guidance": 3, "width": 64, "height": 64},
                "limits": {"min_side": 64, "max_side": 64, "max_steps": 5, "max_guidance": 9, "max_prompt_length": 30},
                "golden": [{"prompt": "an apple", "seed": 1}],
            }
        )
        with pytest.raises(ManifestError, match="holds no low-rank weights") as refused:
            inspect_bundle("sprites", whole, manifest)
    assert refused.value.code == ManifestCode.ADAPTER_INVALID


def test_golden_images_are_put_in_without_touching_the_owners_files(folder: Path) -> None:
    (folder / "golden").mkdir()
    (folder / "golden" / "0.png").write_bytes(b"the owner's")
    with assembled(folder, [], {"golden/0.png": b"drawn", "golden/1.png": b"drawn too"}) as whole:
        assert [(whole / "golden" / f"{n}.png").read_bytes() for n in (0, 1)] == [b"drawn", b"drawn too"]
    assert (folder / "golden" / "0.png").read_bytes() == b"the owner's"
    assert not (folder / "golden" / "1.png").exists()
