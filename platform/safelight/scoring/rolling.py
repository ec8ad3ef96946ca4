"""The roll-up: buckets of a minute serve the last day, and buckets of five minutes everything before.

Counts are kept for ever. Sketches go when nobody asks for so long a past any more: they are most of the bytes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitors.codec import UnreadableArtifact
from monitors.sketch import Sketch
from safelight.clock import Clock, bucket_start
from safelight.settings import RetentionSettings, WatchingSettings
from safelight.store import rollup
from safelight.store.database import Database

KEPT_FINE = timedelta(days=1)
WIDE_SECONDS = 300
_WIDE = timedelta(seconds=WIDE_SECONDS)
_AT_ONCE = 12 * _WIDE  # what one transaction covers: short, so that nobody waits for it


class RollUp:
    """Any number may run, at any time: what is rolled up is not there to be rolled up again."""

    def __init__(
        self, database: Database, clock: Clock, watching: WatchingSettings, retention: RetentionSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._kept_fine = kept_fine(watching)
        self._sketches_kept = timedelta(days=retention.sketches_days)

    def run_once(self) -> int:
        """Roll up the oldest stretch that is due, or let go of old sketches; returns how many buckets there were."""
        now = self._clock.now()
        # Whole wide buckets only: a part of one would have to be rolled up twice.
        before = bucket_start(now - self._kept_fine, WIDE_SECONDS)
        with self._database.reading() as session:
            oldest = rollup.oldest_due(session, before)
        if oldest is not None:
            return self._roll_up(bucket_start(oldest, WIDE_SECONDS), before)
        with self._database.transaction() as session:
            return rollup.forget_sketches(session, now - self._sketches_kept, _WIDE)

    def _roll_up(self, start: datetime, before: datetime) -> int:
        end = min(start + _AT_ONCE, before)
        with self._database.transaction() as session:
            sketches = rollup.roll_up_sketches(session, start, end, WIDE_SECONDS, merge_all)
            return sketches + rollup.roll_up_counts(session, start, end, WIDE_SECONDS)


def kept_fine(watching: WatchingSettings) -> timedelta:
    """How long buckets stay as they were written: longer than feedback may take back what it was counted as."""
    return KEPT_FINE + timedelta(minutes=watching.feedback_minutes)


def width_at(start: datetime, now: datetime, watching: WatchingSettings) -> int:
    """Seconds that every bucket from `start` on can be merged to."""
    return max(watching.bucket_seconds, WIDE_SECONDS if start < now - kept_fine(watching) else 0)


def merge_all(payloads: Sequence[bytes]) -> bytes | None:
    """Serialised sketches of one lens added up; None where this release cannot read one of them."""
    try:
        return Sketch.total([Sketch.from_bytes(payload) for payload in payloads]).to_bytes()
    except UnreadableArtifact:
        return None
