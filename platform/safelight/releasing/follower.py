"""Moves releases on as engines and gateways report: the loop around `Releasing.advance`."""

import logging
import threading

from safelight.releasing.service import Releasing
from safelight.store import releases
from safelight.store.changes import Changes
from safelight.store.database import Database
from safelight.telemetry.meters import LOOP_FAILURES

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_FAILED_SECONDS = 1.0


class Follower:
    """Any number may run; each release moves in a transaction of its own, so a crash anywhere is mended by the next."""

    def __init__(self, database: Database, releasing: Releasing) -> None:
        self._database = database
        self._releasing = releasing
        self._changes = Changes(database)
        self._moving = True

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        while not stop.wait(_POLL_SECONDS):
            try:
                # What moves may do so with time alone; otherwise nothing begins to unless it is written.
                if self._changes.happened() or self._moving:
                    self.run_once()
            except Exception:
                LOOP_FAILURES.labels("releases").inc()
                logger.exception("releases could not be moved on; trying again")
                stop.wait(_FAILED_SECONDS)

    def run_once(self) -> int:
        """Look at every generator with a moving release; returns how many moved.

        One generator's failure is raised once the others have had their turn.
        """
        self._moving = True  # as long as it is not known
        with self._database.reading() as session:
            generators = {release.generator for release in releases.in_states(session, releases.MOVING)}
        self._moving = bool(generators)
        moved, failures = 0, list[Exception]()
        for generator in sorted(generators):
            try:
                with self._database.transaction() as session:
                    moved += self._releasing.advance(session, generator)
            except Exception as error:  # noqa: BLE001 - see above
                failures.append(error)
        if failures:
            raise ExceptionGroup("releases could not be moved on", failures)
        return moved
