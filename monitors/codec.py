"""Named arrays as bytes: safetensors, so reading them back runs no code, and equal content gives equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Arrays = dict[str, NDArray[Any]]
_HEADER = "header"
Stage = TypeVar("Stage", bound="DataclassInstance")


class UnreadableArtifact(ValueError):
    """The bytes are not what they should be: truncated, of another kind, or of a format this release does not know."""


def pack(kind: str, version: int, header: Mapping[str, object], arrays: Arrays) -> bytes:
    described = json.dumps({"kind": kind, "version": version, **header}, sort_keys=True).encode()
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return save({**contiguous, _HEADER: np.frombuffer(described, dtype=np.uint8)})


def unpack(kind: str, version: int, data: bytes, *earlier: int) -> tuple[dict[str, Any], Arrays]:
    """Of this version or one of the `earlier` ones, as the header says. Raises UnreadableArtifact."""
    try:
        arrays: Arrays = load(data)
        header: dict[str, Any] = json.loads(arrays.pop(_HEADER).tobytes())
    except (SafetensorError, KeyError, ValueError) as error:
        raise UnreadableArtifact(f"these bytes are no {kind}: {error}") from error
    found = (header.get("kind"), header.get("version"))
    if found[0] != kind or found[1] not in (version, *earlier):
        raise UnreadableArtifact(f"expected {kind} format {version}, found {found[0]} format {found[1]}")
    return header, arrays


def stage_to_arrays(prefix: str, stage: DataclassInstance) -> Arrays:
    """The fields of a dataclass of arrays and floats, under `prefix`."""
    return {f"{prefix}.{f.name}": np.asarray(getattr(stage, f.name)) for f in fields(stage)}


def stage_from_arrays(stage: type[Stage], prefix: str, arrays: Arrays) -> Stage:
    try:
        found = {f.name: arrays[f"{prefix}.{f.name}"] for f in fields(stage)}
    except KeyError as error:
        raise UnreadableArtifact(f"array {error} is missing") from error
    return stage(**{name: array.item() if array.ndim == 0 else array for name, array in found.items()})
