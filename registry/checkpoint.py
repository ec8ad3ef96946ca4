"""A checkpoint: a folder in the layout of diffusers, looked at before anything loads it."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from registry.digests import digest_of
from registry.errors import Kind, RegistryError
from registry.tensors import BrokenTensors, check_tensors

MODEL_INDEX = "model_index.json"


class CheckpointCode(StrEnum):
    NOT_FOUND = "checkpoint_not_found"
    UNSAFE_FILE = "checkpoint_unsafe_file"
    UNSAFE_CONTENT = "checkpoint_unsafe_content"
    UNKNOWN_FILE = "checkpoint_unknown_file"
    LINK_OUTSIDE = "checkpoint_link_outside"
    TRUNCATED = "checkpoint_truncated"
    MALFORMED = "checkpoint_malformed"
    INCOMPLETE = "checkpoint_incomplete"
    CUSTOM_CODE = "checkpoint_custom_code"


class CheckpointRefused(RegistryError):
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True)
class FileEntry:
    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    """Bytes."""
    sha256: str
    """64 hexadecimal digits."""


@dataclass(frozen=True)
class Component:
    """The class that loads one folder of the checkpoint."""

    library: str
    class_name: str


@dataclass(frozen=True)
class Checkpoint:
    digest: str
    files: tuple[FileEntry, ...]
    pipeline_class: str
    components: Mapping[str, Component]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def inspect(folder: Path) -> Checkpoint:
    """Read every file of a checkpoint and refuse what could run code or is not whole.

    The digest is that of ``sha256sum`` over the sorted files, itself hashed. Names that start with a dot are caches of
    tools: neither looked at nor part of the checkpoint. Raises CheckpointRefused.
    """
    raise CheckpointRefused(CheckpointCode.NOT_FOUND, str(folder))
