"""The checkpoints that were pulled to this machine: bounded, the longest unused goes first."""

import logging
import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pulled:
    """A checkpoint on this disk. `used_at` is when an engine was last prepared from it, in seconds since 1970."""

    name: str
    size: int
    used_at: float


def superfluous(pulled: Sequence[Pulled], needed: Collection[str], max_bytes: int) -> list[Pulled]:
    """What has to go for the rest to fit, the longest unused first. What is needed stays, whether it fits or not."""
    over = sum(each.size for each in pulled) - max_bytes
    doomed = []
    for each in sorted(pulled, key=lambda each: each.used_at):
        if over <= 0:
            break
        if each.name not in needed:
            doomed.append(each)
            over -= each.size
    return doomed


class PulledCheckpoints:
    """The folder of checkpoints, one folder a digest."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes

    def folder(self, digest: str) -> Path:
        """Where the checkpoint of a digest ("sha256:...") lies, or will."""
        return self._root / _name(digest)

    def used(self, digest: str) -> int:
        """Note that an engine is prepared from it; returns its size in bytes."""
        folder = self.folder(digest)
        os.utime(folder)
        return _size(folder)

    def discard(self, digest: str) -> None:
        """Delete what lies in the place of a checkpoint."""
        shutil.rmtree(self.folder(digest))

    def make_room(self, needed: Collection[str]) -> None:
        """Delete what is not among the digests `needed` until the rest fits. It can be pulled again."""
        pulled = [
            Pulled(path.name, _size(path), path.stat().st_mtime)
            for path in self._root.iterdir()
            # What is still being pulled has a name that begins with a dot.
            if path.is_dir() and not path.name.startswith(".")
        ]
        for each in superfluous(pulled, {_name(digest) for digest in needed}, self._max_bytes):
            logger.info("checkpoint %s is let go of: %d MB, unused for longest", each.name[:12], each.size // 2**20)
            shutil.rmtree(self._root / each.name)


def _name(digest: str) -> str:
    return digest.partition(":")[2]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
