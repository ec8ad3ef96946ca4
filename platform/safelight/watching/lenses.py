"""Lenses, read from the store once: they never change, and a digest names each."""

from collections import OrderedDict
from threading import Lock

from monitors.lens import Lens
from safelight.store import baselines
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.watching.samples import SCHEMA


class LensCache:
    """The lenses used last. Safe to share between threads."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._lenses: OrderedDict[str, Lens] = OrderedDict()
        self._lock = Lock()

    def get(self, session: Session, baseline: KnownBaseline) -> Lens:
        """Raises ValueError for a lens that this release does not read."""
        with self._lock:
            if baseline.lens_digest not in self._lenses:
                lens = Lens.from_bytes(baselines.lens(session, baseline.id))
                if lens.schema != SCHEMA:
                    raise ValueError("the lens reads other columns than this release records")
                self._lenses[baseline.lens_digest] = lens
            self._lenses.move_to_end(baseline.lens_digest)
            while len(self._lenses) > self._capacity:
                self._lenses.popitem(last=False)
            return self._lenses[baseline.lens_digest]
