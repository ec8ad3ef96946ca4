"""A zip that is written while it is read: nothing holds all of it."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Piece = str | bytes

_CHUNK = 64 * 1024


class _Out(io.RawIOBase):
    """Takes what the archive writes, to be handed on."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        self._written.append(bytes(data))
        self._size += len(self._written[-1])
        return len(self._written[-1])

    @property
    def waiting(self) -> int:
        """Bytes."""
        return self._size

    def taken(self) -> bytes:
        data, self._written, self._size = b"".join(self._written), [], 0
        return data


def zipped(files: Iterable[tuple[str, Iterable[Piece]]], now: datetime) -> Iterator[bytes]:
    """The bytes of a zip of named files, each given in pieces, and of a `SHA256SUMS` over all of them at its end."""
    out, sums = _Out(), []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in files:
            digest = sha256()
            with archive.open(_info(name, now), "w") as file:
                for piece in pieces:
                    data = piece.encode() if isinstance(piece, str) else piece
                    digest.update(data)
                    file.write(data)
                    if out.waiting >= _CHUNK:
                        yield out.taken()
            sums.append(f"{digest.hexdigest()}  {name}\n")
        archive.writestr(_info("SHA256SUMS", now), "".join(sums))
    yield out.taken()


def _info(name: str, now: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=(now.year, now.month, now.day, now.hour, now.minute, now.second))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
