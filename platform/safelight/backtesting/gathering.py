"""From rows to a recording: each row is measured once, however often the backtest is run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from safelight.backtesting.measuring import Measurer
from safelight.backtesting.recording import Measured, Recording, Records
from safelight.errors import Kind, SafelightError
from safelight.importing.pictures import Pictures
from safelight.importing.reading import Rejects, load
from safelight.importing.rows import ImportedRow


@dataclass(frozen=True, eq=False)
class Stream:
    """The records of one source in the order of time. `picture` finds the thumbnail of a generation where the recording
    does not hold them."""

    recording: Recording
    order: NDArray[np.intp]
    picture: Callable[[UUID], bytes] | None = None

    @classmethod
    def of(cls, recording: Recording, positions: Iterable[int]) -> "Stream":
        chosen = np.fromiter(positions, np.intp)
        return cls(recording, chosen[np.argsort(recording.records["at"][chosen], kind="stable")])

    def __len__(self) -> int:
        return len(self.order)

    def column(self, name: str) -> NDArray[Any]:
        """One field of every record; not for the vectors, which are as large as the stream."""
        return np.asarray(self.recording.records[name][self.order])

    def take(self, rows: NDArray[np.intp] | slice) -> Records:
        """The records at these places of the stream."""
        return np.asarray(self.recording.records[self.order[rows]])

    def thumbnail(self, record: np.void) -> bytes:
        """A small WebP; empty where there is none any more."""
        if self.picture is None:
            return self.recording.thumbnail(record)
        return self.picture(UUID(bytes=record["id"].tobytes()))


def gather(
    rows: Iterable[ImportedRow],
    pictures: Pictures,
    rejects: Rejects,
    measurer: Measurer,
    folder: Path,
    embedder_digest: str,
    progress: Callable[[int], None],
) -> Stream:
    """Measure every row that `folder` does not hold already; `progress` is told of every row.

    Raises SafelightError `nothing_to_replay` where not a single row shows anything.
    """
    shelf = Shelf(folder, embedder_digest)
    wanted: dict[UUID, None] = {}

    def lacking() -> Iterator[ImportedRow]:
        for row in rows:
            wanted[row.id] = None
            if shelf.holds(row.id):
                progress(1)
            else:
                yield row

    for batch in load(lacking(), pictures, rejects):
        shelf.add(measurer.measure(batch, rejects))
        progress(len(batch))
    recording = shelf.close()
    positions = recording.positions()
    stream = Stream.of(recording, (positions[each] for each in wanted if each in positions))
    if not len(stream):  # of what was measured before, nothing is among the rows of today
        raise _nothing()
    return stream


class Shelf:
    """A recording whose dimensions are known with the first image that shows anything."""

    def __init__(self, folder: Path, embedder_digest: str) -> None:
        self._folder, self._digest = folder, embedder_digest
        self._recording = Recording.reopen(folder, embedder_digest)
        self._known = set(self._recording.positions()) if self._recording else set()
        self._waiting: list[Measured] = []

    def holds(self, identifier: UUID) -> bool:
        return identifier in self._known

    def add(self, batch: Iterable[Measured]) -> None:
        fresh = {each.id: each for each in batch if each.id not in self._known}
        self._known |= fresh.keys()
        self._waiting += fresh.values()
        seen = next((each for each in self._waiting if each.prompt is not None and each.image is not None), None)
        if self._recording is None and seen is not None and seen.prompt is not None and seen.image is not None:
            self._recording = Recording(self._folder, self._digest, (len(seen.prompt), len(seen.image)))
        if self._recording is not None:
            self._recording.append(self._waiting)
            self._waiting = []

    def close(self) -> Recording:
        if self._recording is None:
            raise _nothing()
        return self._recording


def _nothing() -> SafelightError:
    why = "Not one row is a served generation with an image that shows anything."
    return SafelightError(Kind.INVALID, "nothing_to_replay", why)
