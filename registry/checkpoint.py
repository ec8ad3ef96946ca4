"""A checkpoint: a folder in the layout of diffusers, looked at whole before anything loads it."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from registry.contents import Content, check_content, content_by_name
from registry.digests import digest_of
from registry.layout import MODEL_INDEX, Component, check_config, check_parts, read_index
from registry.refusals import CheckpointCode, CheckpointRefused
from registry.verified import Memory, Stamp, without_memory


@dataclass(frozen=True)
class FileEntry:
    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    """Bytes."""
    sha256: str
    """64 hexadecimal digits."""


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


Reading: TypeAlias = Callable[[int, int], None]
"""Told now and then, by one thread at a time, how many bytes of a checkpoint are done with, and how many there are."""
# Read into the same megabyte again and again: it stays in the processor's cache.
_CHUNK = 1024 * 1024
# A processor's core hashes no faster than a good disk reads.
_FILES_AT_ONCE = 4


def inspect(folder: Path, reading: Reading | None = None, memory: Memory | None = None) -> Checkpoint:
    """Read every file of a checkpoint that `memory` does not know; refuse what could run code and what is not whole.

    Names that start with a dot are the caches of tools: neither looked at nor part of the checkpoint. The digest is
    over the lines that ``sha256sum`` prints for the files in the order of their paths.
    Raises CheckpointRefused, with a code for each reason.
    """
    try:
        return _inspected(folder, reading or (lambda _read, _total: None), memory or without_memory())
    except OSError as error:
        found = f"{error.filename} cannot be read: {error.strerror}"
        raise CheckpointRefused(CheckpointCode.UNREADABLE, found) from error


def _inspected(folder: Path, reading: Reading, memory: Memory) -> Checkpoint:
    if not folder.is_dir():
        raise CheckpointRefused(CheckpointCode.NOT_FOUND, f"{folder} is not a folder")
    if not (folder / MODEL_INDEX).is_file():
        raise CheckpointRefused(CheckpointCode.INCOMPLETE, f"{folder} holds no {MODEL_INDEX}")
    contents = dict(sorted(_listed(folder, "")))
    pipeline_class, components = read_index(check_content(folder, MODEL_INDEX, Content.JSON))
    check_parts(components, contents)
    for path, content in contents.items():
        document = check_content(folder, path, content)
        if content is Content.JSON:
            check_config(path, document, contents)
    files = _entries(folder, list(contents), reading, memory)
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    return Checkpoint(digest_of(lines.encode()), files, pipeline_class, components)


def _listed(folder: Path, prefix: str) -> Iterator[tuple[str, Content]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                raise CheckpointRefused(
                    CheckpointCode.LINK, f"{path!r} is a link, whose target may lie elsewhere or change"
                )
            if entry.is_dir():
                yield from _listed(Path(entry.path), f"{path}/")
                continue
            content = content_by_name(path) if entry.is_file() else None
            if content is None:
                raise CheckpointRefused(CheckpointCode.UNSAFE_FILE, f"{path!r} has no place in a checkpoint")
            yield path, content


def _entries(folder: Path, paths: Sequence[str], reading: Reading, memory: Memory) -> tuple[FileEntry, ...]:
    total = sum((folder / path).stat().st_size for path in paths)
    read, counting = 0, Lock()

    def count(size: int) -> None:
        nonlocal read
        with counting:
            read += size
            reading(read, total)

    with ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="checkpoint") as pool:
        return tuple(pool.map(lambda path: _entry(folder, path, count, memory), paths))


def _entry(folder: Path, path: str, count: Callable[[int], None], memory: Memory) -> FileEntry:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK))
    with (folder / path).open("rb", buffering=0) as file:
        before = Stamp.of(os.fstat(file.fileno()))
        known = memory.recall(path, before)
        if known is not None:
            count(before.size)
            return FileEntry(path, before.size, known)
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
            count(size)
        after = Stamp.of(os.fstat(file.fileno()))
    memory.note(path, before, after, digest.hexdigest())
    return FileEntry(path, after.size, digest.hexdigest())
