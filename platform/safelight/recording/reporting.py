"""Tells how full a journal is before it is too late: in the database, and in the log where that is away."""

import logging
from datetime import timedelta

from safelight.clock import Clock
from safelight.store import journals
from safelight.store.database import Database
from safelight.store.journal import JournalFile
from safelight.store.journals import ALARMING_FILL, JournalReport

logger = logging.getLogger(__name__)

_FORGOTTEN_AFTER = timedelta(days=1)


class JournalReporter:
    """Reports one journal, time and again."""

    def __init__(self, journal: JournalFile, name: str, database: Database, clock: Clock) -> None:
        """`name` is unique among the journals of all hosts."""
        self._journal = journal
        self._name = name
        self._database = database
        self._clock = clock
        self._alarmed = False

    def run_once(self) -> int:
        """One report; 0, for there is no more to be told at once. Raises StoreError."""
        waiting, now = self._journal.backlog(), self._clock.now()
        if waiting.fill >= ALARMING_FILL and not self._alarmed:
            logger.error(
                "the journal is %.0f %% full, %d generations wait to be shipped: do the database and the image store "
                "answer, and has the disk room?",
                100 * waiting.fill,
                waiting.entries,
            )
        self._alarmed = waiting.fill >= ALARMING_FILL
        told = JournalReport(self._name, waiting.entries, waiting.refused, waiting.fill, waiting.oldest, now)
        with self._database.transaction() as session:
            journals.report(session, told)
            journals.forget(session, now - _FORGOTTEN_AFTER)
        return 0
