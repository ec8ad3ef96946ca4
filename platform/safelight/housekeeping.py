"""Chores of the worker: what must be done now and then, and may be done twice."""

from datetime import timedelta

from safelight.clock import Clock
from safelight.releasing.reconciling import Reconciler
from safelight.releasing.registration import Registration
from safelight.store import access, generation_jobs, idempotency, monitors, partitions, probes, told, versions
from safelight.store.database import Database
from safelight.watching.monitors import defaults

REPLIES_KEPT = timedelta(days=1)
PROBES_KEPT = timedelta(days=30)
SKETCH_IDS_KEPT = timedelta(days=30)
JOBS_KEPT = timedelta(days=7)
MONTHS_AHEAD = 2


class Housekeeping:
    """Each method is a job of its own."""

    def __init__(self, database: Database, registration: Registration, reconciler: Reconciler, clock: Clock) -> None:
        self._database = database
        self._registration = registration
        self._reconciler = reconciler
        self._clock = clock

    def provide_monitors(self) -> None:
        """Give every generator the default monitors it lacks."""
        now = self._clock.now()
        with self._database.reading() as session:
            names = [generator.name for generator in versions.generators(session)]
            lacking = [
                monitor
                for name in names
                for monitor in defaults(name, now)
                if monitor.name not in {known.name for known in monitors.all_of(session, name)}
            ]
        if lacking:
            with self._database.transaction() as session:
                monitors.add_missing(session, lacking)

    def follow_registry(self) -> None:
        """Adopt versions registered elsewhere, then hold the registry against the ledger."""
        self._registration.synchronise()
        self._reconciler.run_once()

    def tidy(self) -> None:
        """Forget old logins, replies, jobs and routine probes, and make room for the months to come."""
        now = self._clock.now()
        with self._database.transaction() as session:
            access.forget_logins(session, now)
            idempotency.forget_before(session, now - REPLIES_KEPT)
            generation_jobs.forget_before(session, now - JOBS_KEPT)
            probes.forget_routine(session, now - PROBES_KEPT)
            told.forget_sketches(session, now - SKETCH_IDS_KEPT)
            partitions.ensure_partitions(session, now, MONTHS_AHEAD)
