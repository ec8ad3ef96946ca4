"""Lenses, read from the store once: they never change, and a digest names each."""

import logging
from collections import OrderedDict
from threading import Lock

from monitors.codec import UnreadableArtifact
from monitors.lens import Lens
from safelight.store import baselines
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.watching.samples import SCHEMA

_log = logging.getLogger(__name__)


class LensUnreadable(ValueError):
    """Another release made this baseline: it has another kind of lens, or one for other columns."""

    def __init__(self, baseline: KnownBaseline) -> None:
        super().__init__(f"baseline {baseline.name} of {baseline.generator} cannot be read")
        self.baseline = baseline


class LensCache:
    """The lenses used last. Safe to share between threads."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._lenses: OrderedDict[str, Lens | None] = OrderedDict()
        self._lock = Lock()

    def get(self, session: Session, baseline: KnownBaseline) -> Lens:
        """Raises LensUnreadable."""
        with self._lock:
            if baseline.lens_digest not in self._lenses:
                self._lenses[baseline.lens_digest] = _read(session, baseline)
            self._lenses.move_to_end(baseline.lens_digest)
            lens = self._lenses[baseline.lens_digest]
            while len(self._lenses) > self._capacity:
                self._lenses.popitem(last=False)
        if lens is None:
            raise LensUnreadable(baseline)
        return lens


def _read(session: Session, baseline: KnownBaseline) -> Lens | None:
    """None for a lens of another release: that is found out once, and said once."""
    try:
        lens = Lens.from_bytes(baselines.lens(session, baseline.id))
    except UnreadableArtifact:
        lens = None
    if lens is None or lens.schema != SCHEMA:
        _log.warning("baseline %s cannot be read; make a new one of version %d", baseline.name, baseline.version)
        return None
    return lens
