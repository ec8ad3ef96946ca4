"""Saying what a worker looks at images with, for sources that look at their own."""

from safelight.clock import Clock
from safelight.scoring.embedder import Embedder
from safelight.scoring.seen import looks_with
from safelight.store import embedders
from safelight.store.database import Database


class Presence:
    """A worker's embedder, as long as the worker runs."""

    def __init__(self, database: Database, embedder: Embedder, clock: Clock) -> None:
        self._database = database
        self._known = looks_with(embedder)
        self._clock = clock

    def run_once(self) -> int:
        """Say it again: the newest word counts. Nothing is left to do after it."""
        with self._database.transaction() as session:
            embedders.note(session, self._known, self._clock.now())
        return 0
