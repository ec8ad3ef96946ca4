"""Which journal a process writes: one of its own, after a restart the one it left behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Self


class Claim:
    """A journal's folder, this process's alone until it lets go of it or dies."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        os.close(self._lock)


def claim(root: Path) -> Claim:
    """The first journal under `root` that no living process writes, a new one where all are taken. Raises OSError."""
    for number in count():
        folder = _folder(root, number)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = _take(folder)
        if taken is not None:
            return taken
    raise AssertionError("numbers do not end")


def abandoned(root: Path) -> Iterator[Claim]:
    """The journals under `root` that no living process writes, one after the other; release each before the next."""
    for number in count():
        folder = _folder(root, number)
        if not folder.is_dir():
            return
        taken = _take(folder)
        if taken is not None:
            yield taken


def _folder(root: Path, number: int) -> Path:
    return root / str(number) if number else root


def _take(folder: Path) -> Claim | None:
    """None where another process holds it. The kernel lets go of the lock when its holder dies, however it does."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Claim(folder, lock)
    os.close(lock)
    return None
