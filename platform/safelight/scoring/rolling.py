"""The roll-up: buckets of a minute serve the last day, and buckets of five minutes everything before."""

from collections.abc import Sequence
from datetime import timedelta

from monitors.codec import UnreadableArtifact
from monitors.sketch import Sketch
from safelight.clock import Clock, bucket_start
from safelight.store import rollup
from safelight.store.database import Database

KEPT_FINE = timedelta(days=1)
WIDE_SECONDS = 300
_AT_ONCE_SECONDS = 12 * WIDE_SECONDS  # what one transaction covers: short, so that nobody waits for it


class RollUp:
    """Any number may run, at any time: what is rolled up is not there to be rolled up again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run_once(self) -> int:
        """Roll up one stretch of time, the oldest that is due; returns how many buckets there were."""
        before = self._clock.now() - KEPT_FINE
        with self._database.reading() as session:
            oldest = rollup.oldest_due(session, before)
        if oldest is None:
            return 0
        start = bucket_start(oldest, WIDE_SECONDS)
        # Whole wide buckets only: a part of one would have to be rolled up twice.
        end = min(start + timedelta(seconds=_AT_ONCE_SECONDS), bucket_start(before, WIDE_SECONDS))
        with self._database.transaction() as session:
            sketches = rollup.roll_up_sketches(session, start, end, WIDE_SECONDS, merge_all)
            return sketches + rollup.roll_up_signals(session, start, end, WIDE_SECONDS)


def merge_all(payloads: Sequence[bytes]) -> bytes | None:
    """Serialised sketches of one lens added up; None where this release cannot read one of them."""
    try:
        return Sketch.total([Sketch.from_bytes(payload) for payload in payloads]).to_bytes()
    except UnreadableArtifact:
        return None
