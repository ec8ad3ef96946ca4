"""What was verified of a checkpoint on this machine, so that what has not changed since need not be read again.

As git's index knows which files it need not hash: by what the file system says of them. Their change time (ctime) moves
with every write, truncation and rename, and no program sets it. docs/decisions/0027 says what this does not see, and
who may rely on it.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import StringConstraints, ValidationError

from registry.parameters import Part

VALID_SECONDS = 7 * 24 * 60 * 60
"""After that a file is read again although nothing says that it changed: disks rot in silence."""

_FILE = ".verified"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_OTHERS_MAY_WRITE = 0o022


class Stamp(NamedTuple):
    """What a file system says of a file. Times are in nanoseconds since 1970, by the file system's own clock."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Verified(Part):
    """A file as it stood when it was read, at a time by the file system's clock."""

    stamp: Stamp
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    at: int

    def holds(self, found: Stamp, now: int) -> bool:
        """Whether a file that is found so is still what was read."""
        return self.stamp == found and 0 <= now - self.at <= VALID_SECONDS * 10**9


def settled(stamp: Stamp, now: int) -> bool:
    """Whether any change from `now` on will show. One within the tick of the clock that the last fell in would not."""
    return stamp.changed < now


class Memory:
    """What is known of a folder's files while it is verified; `now` is the time that began, 0 where none can be told.

    Files may be asked about and noted by several threads.
    """

    def __init__(self, known: Mapping[str, Verified], now: int) -> None:
        self._known = known
        self._now = now
        self.found: dict[str, Verified] = {}
        """What holds of the files that were asked about or noted."""

    def recall(self, path: str, stamp: Stamp) -> str | None:
        """The SHA-256 of a file, if it was verified and has not changed."""
        known = self._known.get(path)
        if known is None or not known.holds(stamp, self._now):
            return None
        self.found[path] = known
        return known.sha256

    def note(self, path: str, before: Stamp, after: Stamp, sha256: str) -> None:
        """What was read of a file, and how it stood before and after that."""
        if before == after and settled(before, self._now):
            self.found[path] = Verified(stamp=before, sha256=sha256, at=self._now)


def without_memory() -> Memory:
    return Memory({}, 0)


class _Document(Part):
    boot: str
    """Which start of the machine it was: a power cut may lose what was only in memory when it was read."""
    files: dict[str, Verified]


@contextmanager
def remembering(folder: Path, *, trust_unchanged: bool) -> Iterator[Memory]:
    """For one verification of a folder: recalls what was verified before, if it is to be trusted, and keeps what comes.

    A verification that raises leaves nothing remembered. Where nothing can be kept, nothing is recalled either.
    """
    try:
        boot = _BOOT.read_text().strip()
        # Made now, so that its time is the present by the clock that the files' own times are from.
        descriptor, draft = tempfile.mkstemp(prefix=f"{_FILE}-", dir=folder)
    except OSError:
        yield without_memory()
        return
    kept = folder / _FILE
    try:
        now = os.fstat(descriptor).st_ctime_ns
        os.close(descriptor)
        memory = Memory(_known(kept, boot) if trust_unchanged else {}, now)
        yield memory
        with suppress(OSError):
            Path(draft).write_text(_Document(boot=boot, files=memory.found).model_dump_json())
            Path(draft).replace(kept)
    except BaseException:
        with suppress(OSError):
            kept.unlink(missing_ok=True)
        raise
    finally:
        Path(draft).unlink(missing_ok=True)


def _known(file: Path, boot: str) -> Mapping[str, Verified]:
    """Empty when there is none, it is of another start of the machine, or somebody else may have written it."""
    try:
        with file.open("rb") as opened:
            found = os.fstat(opened.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & _OTHERS_MAY_WRITE:
                return {}
            document = _Document.model_validate_json(opened.read())
    except (OSError, ValidationError):
        return {}
    return document.files if document.boot == boot else {}
