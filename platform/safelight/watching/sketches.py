"""Reading sketches once: a bucket of the past hardly ever changes, and a tick asks for hundreds of them."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeAlias
from uuid import UUID

from monitors.sketch import Sketch
from safelight.store import sketches
from safelight.store.database import Session
from safelight.store.sketches import SketchRange, StoredSketch

_Place: TypeAlias = tuple[str, datetime]
_Key: TypeAlias = tuple[UUID, int, str, _Place, int]
_INSTANT = timedelta(microseconds=1)


class SketchReader:
    """Keeps the decoded sketches used last; what has grown since is read again. Safe to share between threads."""

    def __init__(self, capacity: int = 32_768) -> None:
        self._capacity = capacity
        self._decoded: OrderedDict[_Key, Sketch] = OrderedDict()
        self._lock = Lock()

    def read(
        self, session: Session, where: SketchRange, slices: Collection[str] | None = None
    ) -> dict[str, list[tuple[datetime, Sketch]]]:
        """By slice, the oldest bucket first: of the slices named, or of all that there are.

        Raises monitors.codec.UnreadableArtifact for a sketch that this release does not read.
        """
        sizes = sketches.sizes(session, where, slices)
        with self._lock:
            lacking = [place for place, n in sizes.items() if _key(where, place, n) not in self._decoded]
            for each in _missing(session, where, lacking):
                place = each.slice, each.bucket_start
                sizes[place] = each.n  # it may have grown since its size was read: what counts is what was decoded
                self._decoded[_key(where, place, each.n)] = Sketch.from_bytes(each.payload)
            content: dict[str, list[tuple[datetime, Sketch]]] = {}
            for place, n in sorted(sizes.items()):
                key = _key(where, place, n)
                if key in self._decoded:  # it was rolled up between the two reads otherwise
                    self._decoded.move_to_end(key)
                    content.setdefault(place[0], []).append((place[1], self._decoded[key]))
            while len(self._decoded) > self._capacity:
                self._decoded.popitem(last=False)
        return content


def _missing(session: Session, where: SketchRange, lacking: Sequence[_Place]) -> list[StoredSketch]:
    if not lacking:
        return []
    moments = [at for _, at in lacking]
    narrow = replace(where, start=min(moments), end=max(moments) + _INSTANT)
    return sketches.stored(session, narrow, {name for name, _ in lacking})


def _key(where: SketchRange, place: _Place, n: int) -> _Key:
    return where.baseline_id, where.version, where.arm, place, n
