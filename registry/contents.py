"""What a file of a checkpoint may be, by its name and by what is in it.

An allow-list: in a folder that passes, diffusers and transformers find tensors, JSON and vocabularies, and nothing
else to load. Pickles of protocols 0 and 1 carry no signature; they are refused as what they pretend to be, since
neither a tensor file nor JSON can begin like one, and text is never loaded as anything else.
"""

import json
import re
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any

from registry.refusals import CheckpointCode, CheckpointRefused
from registry.tensors import BrokenTensors, check_tensors

MAX_OTHER = 200_000_000
"""Bytes of the largest file that is not tensors; the largest tokenizers in use have a fifth of it."""


class Content(Enum):
    TENSORS = "tensors"
    JSON = "JSON"
    TEXT = "text"
    OPAQUE = "opaque"


_BY_SUFFIX = {
    ".safetensors": Content.TENSORS,
    ".json": Content.JSON,
    ".txt": Content.TEXT,
    ".md": Content.TEXT,
    ".jinja": Content.TEXT,
    ".tiktoken": Content.TEXT,
    ".model": Content.OPAQUE,  # a SentencePiece vocabulary
    ".png": Content.OPAQUE,
    ".jpg": Content.OPAQUE,
    ".jpeg": Content.OPAQUE,
    ".webp": Content.OPAQUE,
}
# What every store of artifacts takes without escaping.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._+-]*")
_WITHOUT_SUFFIX = {"LICENSE": Content.TEXT, "NOTICE": Content.TEXT}

_SIGNATURES = {
    **{bytes([0x80, protocol]): "a pickle" for protocol in range(2, 6)},
    b"PK\x03\x04": "a zip archive, which is what torch.save writes",
    b"\x1f\x8b": "a gzip archive",
    b"\x93NUMPY": "a NumPy array, which may hold pickles",
    b"\x89HDF": "an HDF5 file",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"#!": "a script",
}
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22


def content_by_name(path: str) -> Content | None:
    """None for a file that has no place in a checkpoint."""
    name = PurePosixPath(path)
    if not all(_NAME.fullmatch(part) for part in name.parts):
        return None
    return _BY_SUFFIX.get(name.suffix) or _WITHOUT_SUFFIX.get(name.name)


def check_content(folder: Path, path: str, content: Content) -> Any:
    """The document in a JSON file, None for any other.

    Raises CheckpointRefused when the file at ``path`` within ``folder`` is not what its name says.
    """
    file = folder / path
    size = file.stat().st_size
    with file.open("rb") as opened:
        head = opened.read(16)
        opened.seek(max(0, size - _ZIP_END_SIZE))
        tail = opened.read()
    # A zip is found from its end: whatever stands before it, torch and Python open such a file as an archive.
    if tail.startswith(_ZIP_END):
        raise CheckpointRefused(CheckpointCode.UNSAFE_CONTENT, f"{path} is a zip archive behind other content")
    if content is Content.TENSORS:
        _check_tensors(file, path, head)
        return None
    _refuse_signature(path, head)
    if size > MAX_OTHER:
        raise CheckpointRefused(
            CheckpointCode.MALFORMED, f"{path} has {size} bytes, too many for a file without tensors"
        )
    if content is Content.OPAQUE:
        return None
    text = _text(file, path)
    return _parsed(text, path) if content is Content.JSON else None


def _parsed(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointRefused(CheckpointCode.MALFORMED, f"{path} is not valid JSON") from error


def _check_tensors(file: Path, path: str, head: bytes) -> None:
    # The signatures come second: the length of a sound header can begin with the two bytes of a pickle.
    try:
        check_tensors(file)
    except BrokenTensors as broken:
        _refuse_signature(path, head)
        raise CheckpointRefused(CheckpointCode.TRUNCATED, f"{path} is not whole: {broken}") from broken


def _refuse_signature(path: str, head: bytes) -> None:
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            raise CheckpointRefused(CheckpointCode.UNSAFE_CONTENT, f"{path} is {what}")


def _text(file: Path, path: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointRefused(CheckpointCode.MALFORMED, f"{path} is not UTF-8 text") from error
