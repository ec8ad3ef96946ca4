"""Moves releases on as engines and gateways report: the loop around `Releasing.advance`."""

import logging
import threading

from safelight.releasing.service import Releasing
from safelight.store import releases
from safelight.store.database import Database, StoreError

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1


class Follower:
    """Any number may run; each release moves in a transaction of its own, so a crash anywhere is mended by the next."""

    def __init__(self, database: Database, releasing: Releasing) -> None:
        self._database = database
        self._releasing = releasing

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. A database that is away is waited for."""
        while not stop.wait(_POLL_SECONDS):
            try:
                self.run_once()
            except StoreError:
                logger.warning("the database does not answer; releases wait", exc_info=True)
                stop.wait(1.0)

    def run_once(self) -> int:
        """Look at every generator with a moving release; returns how many moved."""
        with self._database.reading() as session:
            generators = {release.generator for release in releases.in_states(session, releases.MOVING)}
        moved = 0
        for generator in sorted(generators):
            with self._database.transaction() as session:
                moved += self._releasing.advance(session, generator)
        return moved
