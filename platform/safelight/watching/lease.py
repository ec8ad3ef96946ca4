"""One leader among the workers: the holder of a lease, and only while it can be sure of it."""

import logging
from datetime import datetime, timedelta

from safelight.clock import Clock
from safelight.store import leases
from safelight.store.database import Database, Session

_log = logging.getLogger(__name__)
LEASE = "watching"


class Leadership:
    """Renewed well before it expires. A leader that cannot renew stops by its own clock, before another can start."""

    def __init__(self, database: Database, clock: Clock, worker: str, seconds: float) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._duration = timedelta(seconds=seconds)
        self._expires_at: datetime | None = None

    @property
    def renew_seconds(self) -> float:
        """How often to call `renew`: two renewals may fail before the lease is lost."""
        return self._duration.total_seconds() / 3

    def held(self) -> bool:
        """Whether this worker leads as far as it knows; needs no database."""
        return self._expires_at is not None and self._clock.now() < self._expires_at

    def renew(self) -> bool:
        """Take the lease if it is free, or prolong it. A database that is away leaves it to expire."""
        led = self.held()
        now = self._clock.now()
        with self._database.transaction() as session:
            taken = leases.take(session, LEASE, self._worker, now, now + self._duration)
        self._expires_at = now + self._duration if taken else None
        if taken != led:
            _log.info("%s %s", self._worker, "leads the watch" if taken else "follows")
        return taken

    def confirm(self, session: Session) -> bool:
        """Whether the lease is held, and cannot pass to another before the session's transaction ends."""
        lease = leases.current(session, LEASE, lock=True)
        return lease is not None and lease.holder == self._worker and self._clock.now() < lease.expires_at

    def resign(self) -> None:
        """Let another worker lead at once."""
        self._expires_at = None
        with self._database.transaction() as session:
            leases.give_back(session, LEASE, self._worker)
