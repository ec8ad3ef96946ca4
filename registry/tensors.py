"""The safetensors container, checked without loading a tensor.

The format: 8 bytes little-endian length N, N bytes of JSON, then the tensors' bytes.
https://github.com/huggingface/safetensors#format
"""

import json
import math
from pathlib import Path
from typing import Any

MAX_HEADER = 100_000_000
"""Bytes; the limit of the reference implementation."""

_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


class BrokenTensors(Exception):
    """The file is not whole, or not safetensors; the text is one clause that says in what."""


def check_tensors(path: Path) -> None:
    """Raises BrokenTensors unless header and tensors cover the file exactly, without a hole, an overlap or a rest."""
    header, rest = _header(path)
    end = _end_of_tensors(header)
    if end != rest:
        raise BrokenTensors(f"its tensors take {end} bytes, the file holds {rest}")


def tensor_names(path: Path) -> frozenset[str]:
    """The names of the tensors in a file. Raises BrokenTensors."""
    header, _ = _header(path)
    return frozenset(header) - {"__metadata__"}


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header, and how many bytes follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        if len(prefix) < 8:
            raise BrokenTensors(f"it has {size} bytes, less than the length of a header takes")
        length = int.from_bytes(prefix, "little")
        if length > min(MAX_HEADER, size - 8):
            raise BrokenTensors(f"its header claims {length} bytes, the file has {size}")
        return _parsed(file.read(length)), size - 8 - length


def _parsed(header: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(header, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise BrokenTensors("its header is not valid JSON") from error
    if not isinstance(parsed, dict):
        raise BrokenTensors("its header is not a JSON object")
    return parsed


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise BrokenTensors("its header names a key twice")
    return parsed


def _end_of_tensors(header: dict[str, Any]) -> int:
    end = 0
    for begin, stop in sorted(_span(name, tensor) for name, tensor in header.items() if name != "__metadata__"):
        if begin != end:
            raise BrokenTensors(f"its tensors leave a hole or overlap at byte {min(begin, end)}")
        end = stop
    return end


def _span(name: str, tensor: Any) -> tuple[int, int]:
    match tensor:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(stop)]} if (
            dtype in _BITS and all(type(side) is int and side >= 0 for side in shape) and 0 <= begin <= stop
        ):
            if math.prod(shape) * _BITS[dtype] != (stop - begin) * 8:
                raise BrokenTensors(f"its tensor {name[:80]!r} does not fill the bytes that it claims")
            return begin, stop
        case _:
            raise BrokenTensors(f"its tensor {name[:80]!r} is not described as the format asks")
