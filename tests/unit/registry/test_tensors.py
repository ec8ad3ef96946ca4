"""A tensor file is whole, or it is refused with the reason."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from registry.tensors import BrokenTensors, check_tensors

ONE = {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}


def written(path: Path, header: Any, data: bytes = bytes(8), *, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def test_what_the_library_writes_is_whole(tmp_path: Path) -> None:
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "half": np.ones((3, 5), np.float16),
        "double": np.ones(7, np.float64),
        "empty": np.ones((0, 4), np.float32),
        "scalar": np.array(1, np.int8),
    }
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    check_tensors(tmp_path / "model.safetensors")


def test_a_file_without_tensors_is_whole(tmp_path: Path) -> None:
    check_tensors(written(tmp_path / "file", {}, b""))


def test_half_bytes_count(tmp_path: Path) -> None:
    check_tensors(written(tmp_path / "file", {"w": {"dtype": "F4", "shape": [16], "data_offsets": [0, 8]}}))


@given(size=st.integers(0, 400))
def test_every_truncation_is_seen(size: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = save({"a": np.ones((8, 8), np.float16), "b": np.ones(9, np.float32)})
    file = tmp_path_factory.mktemp("cut") / "file"
    file.write_bytes(whole[: min(size, len(whole) - 1)])
    with pytest.raises(BrokenTensors):
        check_tensors(file)


@pytest.mark.parametrize("length", [9, 10**9, 2**63, 2**64 - 1])
def test_a_header_that_claims_more_than_there_is(tmp_path: Path, length: int) -> None:
    with pytest.raises(BrokenTensors, match=f"claims {length} bytes"):
        check_tensors(written(tmp_path / "file", {}, b"", length=length))


def test_a_header_beyond_the_format_s_limit_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as sparse:
        sparse.write(struct.pack("<Q", 100_000_001))
        sparse.truncate(200_000_000)
    with pytest.raises(BrokenTensors, match="claims 100000001 bytes"):
        check_tensors(file)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"not json", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        ([ONE], "not a JSON object"),
        (b'{"w": {}, "w": {}}', "a key twice"),
        ({"w": ONE | {"data_offsets": [8, 16]}}, "hole or overlap at byte 0"),
        ({"v": ONE, "w": ONE}, "hole or overlap at byte 0"),
        ({"v": ONE, "w": ONE | {"data_offsets": [9, 17]}}, "hole or overlap at byte 8"),
        ({"v": ONE, "w": ONE | {"data_offsets": [8, 16]}}, "take 16 bytes, the file holds 8"),
        ({}, "take 0 bytes, the file holds 8"),
        ({"w": ONE | {"shape": [2, 3]}}, "does not fill"),
        ({"w": ONE | {"shape": [2**40, 2**40]}}, "does not fill"),
        ({"w": ONE | {"shape": [-2, -2]}}, "not described"),
        ({"w": ONE | {"shape": [True, 4]}}, "not described"),
        ({"w": ONE | {"shape": [2.0, 2]}}, "not described"),
        ({"w": ONE | {"dtype": "OBJECT"}}, "not described"),
        ({"w": ONE | {"data_offsets": [8, 0]}}, "not described"),
        ({"w": ONE | {"data_offsets": [-8, 0]}}, "not described"),
        ({"w": ONE | {"data_offsets": [0, 8, 8]}}, "not described"),
        ({"w": {"dtype": "F16"}}, "not described"),
        ({"w": "F16"}, "not described"),
    ],
)
def test_a_header_that_does_not_hold(tmp_path: Path, header: Any, reason: str) -> None:
    with pytest.raises(BrokenTensors, match=reason):
        check_tensors(written(tmp_path / "file", header))
