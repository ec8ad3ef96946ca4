"""Lets go of what has been kept for long enough: a bounded step at a time, in any process."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from safelight.clock import Clock
from safelight.ids import first_id_at
from safelight.recording.images import ImageArchive, generation_of
from safelight.settings import RetentionSettings
from safelight.store import delivered, partitions, retention
from safelight.store.database import Database
from safelight.store.retention import Range

_BATCH = 500
_EVER = UUID(int=0)


class Retention:
    """Images first: a row whose image is gone says so, an image without a row would be found by nobody."""

    def __init__(self, database: Database, images: ImageArchive, settings: RetentionSettings, clock: Clock) -> None:
        self._database = database
        self._images = images
        self._settings = settings
        self._clock = clock
        self._looked_at = _EVER

    def run_once(self) -> int:
        """Let go of a batch; 0 where nothing is too old. Raises OSError while the image store is away."""
        now = self._clock.now()
        done = 0
        if self._settings.image_days is not None:
            done = self._expire_images((now - timedelta(days=self._settings.image_days)).date())
        if not done and self._settings.rows_days is not None:
            done = self._expire_rows(first_id_at(now - timedelta(days=self._settings.rows_days)))
        return done or self._expire_notifications(first_id_at(now - timedelta(days=self._settings.notifications_days)))

    def _expire_notifications(self, before: UUID) -> int:
        with self._database.transaction() as session:
            return delivered.forget(session, before, _BATCH)

    def _expire_images(self, before: date) -> int:
        for day in self._images.days(before):
            keys = self._images.keys(day)
            with self._database.reading() as session:
                kept = retention.kept(session, _of(day))
            doomed = [key for key in keys if generation_of(key) not in kept][:_BATCH]
            if doomed:
                gone = {identifier for key in doomed if (identifier := generation_of(key)) is not None}
                with self._database.transaction() as session:
                    retention.forget_images(session, gone)
                self._images.delete(doomed)
                return len(doomed)
        return 0

    def _expire_rows(self, end: UUID) -> int:
        with self._database.transaction() as session:
            month = partitions.oldest(session)
            if month is not None and month.end <= end:
                kept = retention.kept(session, month)
                found = retention.with_findings(session, month, kept, _BATCH)
                if found:
                    retention.forget_findings(session, found)
                    return len(found)
                partitions.drop(session, month, kept)
                return 1
            # A month that is old in part is dropped when it is old as a whole.
            among = Range(self._looked_at, end if month is None else min(end, month.start))
            found = retention.oldest(session, among, _BATCH)
            if not found:
                self._looked_at = _EVER
                return 0
            self._looked_at = UUID(int=found[-1].int + 1)
            retention.forget(session, set(found) - retention.kept(session, Range(found[0], self._looked_at)))
            return len(found)


def _of(day: date) -> Range:
    start = datetime.combine(day, time(), UTC)
    return Range(first_id_at(start), first_id_at(start + timedelta(days=1)))
