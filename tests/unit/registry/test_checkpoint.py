"""Every refusal of a checkpoint, one by one, and what its digest covers."""

import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.checkpoint import inspect
from registry.fakes import write_checkpoint
from registry.layout import Component
from registry.refusals import CheckpointCode, CheckpointRefused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "checkpoint")


def refusal(folder: Path) -> CheckpointRefused:
    with pytest.raises(CheckpointRefused) as caught:
        inspect(folder)
    return caught.value


def zipped(name: str = "archive/data.pkl") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(name, pickle.dumps({"weight": 1}))
    return archive.getvalue()


def change_index(folder: Path, **changes: Any) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


class TestASoundCheckpoint:
    def test_tells_how_much_of_it_has_been_read(self, folder: Path) -> None:
        told: list[tuple[int, int]] = []
        checkpoint = inspect(folder, lambda read, total: told.append((read, total)))
        assert {total for _, total in told} == {checkpoint.size}
        assert [read for read, _ in told] == sorted({read for read, _ in told})
        assert told[-1][0] == checkpoint.size
        assert checkpoint == inspect(folder)

    def test_is_described(self, folder: Path) -> None:
        checkpoint = inspect(folder)
        assert checkpoint.pipeline_class == "StableDiffusionPipeline"
        assert checkpoint.components["unet"] == Component("diffusers", "UNet2DConditionModel")
        assert set(checkpoint.components) == {"scheduler", "text_encoder", "tokenizer", "unet", "vae"}
        assert [file.path for file in checkpoint.files] == sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )
        assert checkpoint.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def test_has_a_digest_that_anybody_can_compute(self, folder: Path) -> None:
        command = "find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
        printed = subprocess.run(command, shell=True, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S602
        assert inspect(folder).digest == f"sha256:{printed.stdout.split()[0]}"

    def test_keeps_its_digest_wherever_it_lies(self, folder: Path, tmp_path: Path) -> None:
        assert inspect(shutil.copytree(folder, tmp_path / "elsewhere")).digest == inspect(folder).digest

    @pytest.mark.parametrize(
        "change",
        [
            lambda folder: (folder / "unet" / "config.json").write_text('{"width": 5}'),
            lambda folder: (folder / "README.md").write_text("A word."),
            lambda folder: (folder / "unet" / "notes.txt").write_text(""),
            lambda folder: save_file({"w": np.zeros(1)}, folder / "vae" / "diffusion_pytorch_model.safetensors"),
        ],
    )
    def test_has_another_digest_after_any_change(self, folder: Path, change: Callable[[Path], int | None]) -> None:
        before = inspect(folder).digest
        change(folder)
        assert inspect(folder).digest != before

    def test_may_hold_caches_of_tools(self, folder: Path) -> None:
        before = inspect(folder).digest
        (folder / ".cache" / "huggingface").mkdir(parents=True)
        (folder / ".cache" / "huggingface" / "model.bin").write_bytes(pickle.dumps(1))
        (folder / ".gitattributes").write_text("*.bin")
        assert inspect(folder).digest == before

    def test_may_name_the_safety_checker_of_diffusers(self, folder: Path) -> None:
        shutil.copytree(folder / "text_encoder", folder / "safety_checker")
        change_index(folder, safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"])
        assert inspect(folder).components["safety_checker"].library == "stable_diffusion"

    def test_may_have_weights_in_shards(self, folder: Path) -> None:
        unet = folder / "unet"
        (unet / "diffusion_pytorch_model.safetensors").rename(unet / "part-1.safetensors")
        index = {"weight_map": {"weight": "part-1.safetensors", "bias": "part-1.safetensors"}}
        (unet / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
        inspect(folder)

    def test_may_have_a_header_whose_length_begins_like_a_pickle(self, folder: Path) -> None:
        header = b"{}" + b" " * (0x0480 - 2)
        data = struct.pack("<Q", len(header)) + header
        assert data.startswith(b"\x80\x04")
        (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(data)
        inspect(folder)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            *(
                "weights.bin",
                "weights.pt",
                "weights.pth",
                "weights.ckpt",
                "weights.pkl",
                "weights.pickle",
                "weights.npz",
            ),
            *("pipeline.py", "pipeline.pyc", "native.so", "run.sh", "weights.h5", "weights.msgpack", "weights.onnx"),
            *("weights.SAFETENSORS", "weights", "weights.safetensors.bin", "a.zip", "LICENSE.py"),
            *("odd#name.txt", "50%.txt", "new\nline.txt", "käse.txt"),
        ],
    )
    @pytest.mark.parametrize("where", ["", "unet", "unet/deep/er"])
    def test_that_have_no_place(self, folder: Path, where: str, name: str) -> None:
        (folder / where).mkdir(parents=True, exist_ok=True)
        (folder / where / name).write_bytes(b"")
        refused = refusal(folder)
        assert refused.code == CheckpointCode.UNSAFE_FILE
        assert repr(name)[1:-1] in refused.message

    def test_of_a_pipe_that_would_block_the_reader(self, folder: Path) -> None:
        os.mkfifo(folder / "config.json")
        assert refusal(folder).code == CheckpointCode.UNSAFE_FILE

    @pytest.mark.parametrize("target", ["/etc/hostname", "../secret.json", "unet/config.json", "unet", "nowhere"])
    def test_of_links(self, folder: Path, target: str) -> None:
        (folder.parent / "secret.json").write_text("{}")
        (folder / "linked.json").symlink_to(target)
        refused = refusal(folder)
        assert refused.code == CheckpointCode.LINK
        assert "cp -rL" in refused.message


class TestContents:
    @pytest.mark.parametrize("protocol", range(6))
    @pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model.safetensors", "unet/extra.safetensors"])
    def test_a_pickle_in_the_clothes_of_tensors(self, folder: Path, name: str, protocol: int) -> None:
        (folder / name).write_bytes(pickle.dumps({"weight": os.system}, protocol=protocol))
        # The first two protocols have no signature: such a file is seen as tensors that are not whole.
        expected = CheckpointCode.UNSAFE_CONTENT if protocol >= 2 else CheckpointCode.TRUNCATED
        assert refusal(folder).code == expected

    @pytest.mark.parametrize("protocol", range(6))
    def test_a_pickle_in_the_clothes_of_json(self, folder: Path, protocol: int) -> None:
        (folder / "unet" / "config.json").write_bytes(pickle.dumps(os.system, protocol=protocol))
        expected = CheckpointCode.UNSAFE_CONTENT if protocol >= 2 else CheckpointCode.MALFORMED
        assert refusal(folder).code == expected

    @pytest.mark.parametrize("protocol", range(2, 6))
    @pytest.mark.parametrize("name", ["README.md", "tokenizer/spiece.model", "preview.png", "tokenizer/merges.txt"])
    def test_a_pickle_elsewhere(self, folder: Path, name: str, protocol: int) -> None:
        (folder / name).write_bytes(pickle.dumps([1], protocol=protocol))
        assert refusal(folder).code == CheckpointCode.UNSAFE_CONTENT

    @pytest.mark.parametrize(
        "start", [b"\x1f\x8b\x08", b"\x93NUMPY", b"\x89HDF\r\n", b"\x7fELF", b"MZ\x90\x00", b"#!/bin/sh\n"]
    )
    @pytest.mark.parametrize("name", ["extra.safetensors", "spiece.model", "LICENSE"])
    def test_other_signatures(self, folder: Path, name: str, start: bytes) -> None:
        (folder / name).write_bytes(start + bytes(64))
        assert refusal(folder).code == CheckpointCode.UNSAFE_CONTENT

    @pytest.mark.parametrize(
        "name", ["unet/diffusion_pytorch_model.safetensors", "unet/config.json", "spiece.model", "LICENSE", "a.jpg"]
    )
    def test_an_archive_of_torch(self, folder: Path, name: str) -> None:
        (folder / name).write_bytes(zipped())
        assert refusal(folder).code == CheckpointCode.UNSAFE_CONTENT

    def test_an_archive_hidden_inside_sound_tensors(self, folder: Path) -> None:
        file = folder / "unet" / "diffusion_pytorch_model.safetensors"
        save_file({"weight": np.frombuffer(zipped(), np.uint8)}, file)
        assert zipfile.is_zipfile(file)
        assert refusal(folder).code == CheckpointCode.UNSAFE_CONTENT

    @pytest.mark.parametrize("kept", [0, 7, 8, 40, -1])
    def test_truncated_tensors(self, folder: Path, kept: int) -> None:
        file = folder / "unet" / "diffusion_pytorch_model.safetensors"
        file.write_bytes(file.read_bytes()[:kept])
        refused = refusal(folder)
        assert refused.code == CheckpointCode.TRUNCATED
        assert "unet/diffusion_pytorch_model.safetensors" in refused.message
        assert "download it again" in refused.message

    def test_a_byte_too_many(self, folder: Path) -> None:
        with (folder / "vae" / "diffusion_pytorch_model.safetensors").open("ab") as file:
            file.write(b"\0")
        assert refusal(folder).code == CheckpointCode.TRUNCATED

    def test_a_header_bomb(self, folder: Path) -> None:
        file = folder / "vae" / "diffusion_pytorch_model.safetensors"
        file.write_bytes(struct.pack("<Q", 2**62) + b"{" * 64)
        assert refusal(folder).code == CheckpointCode.TRUNCATED

    @pytest.mark.parametrize("text", [b"{", b"", b"\xff\xff\xff", b"[" * 100_000])
    @pytest.mark.parametrize("name", ["model_index.json", "unet/config.json"])
    def test_broken_json(self, folder: Path, name: str, text: bytes) -> None:
        (folder / name).write_bytes(text)
        assert refusal(folder).code == CheckpointCode.MALFORMED

    def test_text_that_is_none(self, folder: Path) -> None:
        (folder / "README.md").write_bytes(b"\xc3(")
        assert refusal(folder).code == CheckpointCode.MALFORMED

    def test_a_huge_file_that_is_not_tensors_is_not_read(self, folder: Path) -> None:
        with (folder / "vocabulary.json").open("wb") as sparse:
            sparse.truncate(200_000_001)
        assert refusal(folder).code == CheckpointCode.MALFORMED


class TestLayout:
    def test_no_folder(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "nowhere").code == CheckpointCode.NOT_FOUND

    def test_a_file_for_a_folder(self, folder: Path) -> None:
        assert refusal(folder / "model_index.json").code == CheckpointCode.NOT_FOUND

    def test_a_name_that_no_system_takes(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / ("x" * 5000)).code == CheckpointCode.UNREADABLE

    def test_no_index(self, folder: Path) -> None:
        (folder / "model_index.json").unlink()
        (folder / "anything.py").touch()  # what else lies there is not looked at
        assert refusal(folder).code == CheckpointCode.INCOMPLETE

    @pytest.mark.parametrize("name", ["unet", "scheduler", "tokenizer", "text_encoder"])
    def test_a_component_without_its_folder(self, folder: Path, name: str) -> None:
        shutil.rmtree(folder / name)
        refused = refusal(folder)
        assert refused.code == CheckpointCode.INCOMPLETE
        assert name in refused.message

    @pytest.mark.parametrize(
        "path", ["unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "unet/config.json"]
    )
    def test_a_component_without_a_part(self, folder: Path, path: str) -> None:
        (folder / path).unlink()
        assert refusal(folder).code == CheckpointCode.INCOMPLETE

    def test_weights_of_a_variant_only(self, folder: Path) -> None:
        unet = folder / "unet"
        (unet / "diffusion_pytorch_model.safetensors").rename(unet / "diffusion_pytorch_model.fp16.safetensors")
        refused = refusal(folder)
        assert refused.code == CheckpointCode.INCOMPLETE
        assert "rename the variant that you want (diffusion_pytorch_model.fp16.safetensors)" in refused.message

    def test_a_missing_shard(self, folder: Path) -> None:
        index = {"weight_map": {"weight": "part-1.safetensors"}}
        (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
        refused = refusal(folder)
        assert refused.code == CheckpointCode.INCOMPLETE
        assert "unet/part-1.safetensors" in refused.message

    @pytest.mark.parametrize("index", [[], {}, {"weight_map": {}}, {"weight_map": {"weight": 1}}, {"weight_map": []}])
    def test_an_index_of_nothing(self, folder: Path, index: Any) -> None:
        (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
        assert refusal(folder).code == CheckpointCode.MALFORMED

    @pytest.mark.parametrize(
        "changes",
        [
            {"_class_name": ["my_pipeline", "MyPipeline"]},
            {"unet": ["my_unet", "MyUNet"]},
            {"unet": ["os", "system"]},
            {"vae": ["diffusers.models.autoencoders", "AutoencoderTiny"]},
            {"vae": ["", "AutoencoderTiny"]},
        ],
    )
    def test_code_of_its_own_in_the_index(self, folder: Path, changes: dict[str, Any]) -> None:
        change_index(folder, **changes)
        assert refusal(folder).code == CheckpointCode.CUSTOM_CODE

    @pytest.mark.parametrize("key", ["auto_map", "custom_pipelines"])
    @pytest.mark.parametrize("path", ["unet/config.json", "tokenizer/tokenizer_config.json", "model_index.json"])
    def test_code_of_its_own_in_a_configuration(self, folder: Path, path: str, key: str) -> None:
        config = json.loads((folder / path).read_text())
        (folder / path).write_text(json.dumps(config | {key: {"AutoModel": "somebody/repository--modeling.Model"}}))
        assert refusal(folder).code == CheckpointCode.CUSTOM_CODE

    @pytest.mark.parametrize(
        "changes",
        [
            {"_class_name": None},
            {"_class_name": "a.b"},
            {"_class_name": "__import__"},
            {"unet": ["diffusers"]},
            {"unet": ["diffusers", "UNet", "more"]},
            {"unet": ["diffusers", 1]},
            {"unet": [None, "UNet"]},
            {"unet": ["diffusers", "__class__"]},
            {"../outside": ["diffusers", "UNet2DConditionModel"]},
            {"a/b": ["diffusers", "UNet2DConditionModel"]},
        ],
    )
    def test_an_index_that_describes_no_pipeline(self, folder: Path, changes: dict[str, Any]) -> None:
        change_index(folder, **changes)
        assert refusal(folder).code == CheckpointCode.MALFORMED

    def test_an_index_that_is_a_list(self, folder: Path) -> None:
        (folder / "model_index.json").write_text("[]")
        assert refusal(folder).code == CheckpointCode.MALFORMED

    def test_an_index_without_components(self, folder: Path) -> None:
        (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
        assert refusal(folder).code == CheckpointCode.INCOMPLETE


def test_every_refusal_says_what_to_do() -> None:
    for code in CheckpointCode:
        refused = CheckpointRefused(code, "x is odd")
        assert refused.message.startswith("x is odd. ")
        assert len(refused.message) > len("x is odd. ") + 10
