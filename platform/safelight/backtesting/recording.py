"""A stream of measured generations on disk: embedded once, replayed as often as wanted, never held in memory whole."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.sample import prompt_key
from safelight.errors import Kind, SafelightError
from safelight.watching.samples import SCHEMA

_FORMAT = 1
_HEADER = "recording.json"
_EPOCH = datetime.fromtimestamp(0, UTC)
Records = NDArray[np.void]


@dataclass(frozen=True)
class Details:
    """What is shown of a generation, and what slices are cut by."""

    name: str
    prompt: str
    parameters: dict[str, Any]
    replica: str | None
    adapter: str | None
    tenant: str | None
    region: str | None


@dataclass(frozen=True, eq=False)
class Measured:
    """One served generation. Of a blank image there is nothing to measure: `scalars` and both vectors are None."""

    id: UUID
    at: datetime
    version: int
    details: Details
    thumbnail: bytes
    scalars: tuple[float, ...] | None = None
    prompt: NDArray[np.float32] | None = None
    image: NDArray[np.float32] | None = None


class Recording:
    """Records of fixed size in one file, words and thumbnails in another; whatever was appended survives a crash."""

    def __init__(self, folder: Path, embedder_digest: str, dimensions: tuple[int, int]) -> None:
        """`dimensions` are those of a prompt's and of an image's vector.

        Raises SafelightError `recording_foreign` where the folder holds what another embedder or release measured.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._records, self._details = folder / "records", folder / "details"
        self._dtype = _dtype(*dimensions)
        head = {"format": _FORMAT, "embedder": embedder_digest, "dimensions": list(dimensions), "scalars": _scalars()}
        header = folder / _HEADER
        if not header.exists():
            unfinished = folder / f"{_HEADER}.part"
            unfinished.write_text(json.dumps(head))
            unfinished.replace(header)
        if json.loads(header.read_text()) != head:
            raise SafelightError(
                Kind.CONFLICT,
                "recording_foreign",
                f"{folder} holds what another embedder or another release measured. Remove it, or name another folder.",
            )
        self.embedder_digest = embedder_digest
        for file in (self._records, self._details):
            file.touch()
        # Of a record that was cut off nothing is lost: its row is measured again.
        whole = self._records.stat().st_size // self._dtype.itemsize * self._dtype.itemsize
        os.truncate(self._records, whole)

    @classmethod
    def reopen(cls, folder: Path, embedder_digest: str) -> Self | None:
        """The recording that a folder holds, None where it holds none. Raises `recording_foreign`."""
        header = folder / _HEADER
        if not header.exists():
            return None
        prompt, image = json.loads(header.read_text())["dimensions"]
        return cls(folder, embedder_digest, (prompt, image))

    def __len__(self) -> int:
        return self._records.stat().st_size // self._dtype.itemsize

    @property
    def records(self) -> Records:
        """All records, in the order they were appended; read from disk as they are used."""
        if not len(self):
            return np.zeros(0, self._dtype)
        return np.memmap(self._records, self._dtype, mode="r")

    def positions(self) -> dict[UUID, int]:
        """Where each generation stands."""
        return {UUID(bytes=raw.tobytes()): i for i, raw in enumerate(self.records["id"])}

    def append(self, batch: Sequence[Measured]) -> None:
        rows = np.zeros(len(batch), self._dtype)
        with self._details.open("ab") as file:
            for row, each in zip(rows, batch, strict=True):
                words = json.dumps(asdict(each.details)).encode()
                row["offset"], row["words"], row["picture"] = file.tell(), len(words), len(each.thumbnail)
                file.write(words + each.thumbnail)
                _fill(row, each)
            file.flush()
            os.fsync(file.fileno())
        with self._records.open("ab") as file:
            file.write(rows.tobytes())

    def details(self, record: np.void) -> Details:
        return Details(**json.loads(self._read(int(record["offset"]), int(record["words"]))))

    def thumbnail(self, record: np.void) -> bytes:
        return self._read(int(record["offset"]) + int(record["words"]), int(record["picture"]))

    def _read(self, offset: int, length: int) -> bytes:
        with self._details.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def moment(milliseconds: int) -> datetime:
    """The time of a record's `at`."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def milliseconds(at: datetime) -> int:
    """What a record of that time has in `at`."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _dtype(prompt: int, image: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("id", "V16"),
            ("at", "<i8"),
            ("version", "<i4"),
            ("blank", "?"),
            ("prompt_key", "<u8"),
            ("offset", "<i8"),
            ("words", "<i4"),
            ("picture", "<i4"),
            ("scalars", "<f4", (len(SCHEMA.scalars),)),
            ("prompt", "<f2", (prompt,)),
            ("image", "<f2", (image,)),
        ]
    )


def _fill(row: np.void, each: Measured) -> None:
    row["id"] = np.void(each.id.bytes)
    row["at"] = milliseconds(each.at)
    row["version"] = each.version
    row["prompt_key"] = prompt_key(each.details.prompt)
    row["blank"] = each.scalars is None
    if each.scalars is not None and each.prompt is not None and each.image is not None:
        row["scalars"], row["prompt"], row["image"] = each.scalars, each.prompt, each.image


def _scalars() -> str:
    return ",".join(scalar.name for scalar in SCHEMA.scalars)
