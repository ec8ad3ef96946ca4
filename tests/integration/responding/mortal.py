"""A database whose user can die in the middle of its work."""

from collections.abc import Iterator
from contextlib import contextmanager

from safelight.store.database import Database, Session


class Died(Exception):
    """The process is gone: what it has not committed was never done."""


class MortalDatabase(Database):
    """Whoever uses it can be made to die at the end of the next transaction."""

    dies = False

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            if self.dies:
                raise Died
