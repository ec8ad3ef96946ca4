"""Making the baselines that were asked for: in the background, and again from where it was if who made one dies."""

import logging
from datetime import timedelta

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.store import access, baseline_jobs, baselines, incidents, replays, sketches
from safelight.store.baseline_jobs import KnownJob, Phase
from safelight.store.baselines import NewBaseline
from safelight.store.database import Database, Session, StoreError
from safelight.watching.baselines import Logged, from_logged, logged, replayed
from safelight.watching.monitors import LONGEST_WINDOW
from safelight.watching.ordering import ARMS, Source
from safelight.watching.quiet import quiet

_log = logging.getLogger(__name__)
_PHASES = (Phase.SCORING, Phase.FITTING)
_LOGGED_WITHIN = timedelta(minutes=10)
_HELD = timedelta(minutes=2)
"""How long a job waits for whoever took it; fitting takes seconds."""


class Maker:
    """Fits the lenses of jobs whose generations are there. Any number may run: a job is one's at a time."""

    def __init__(self, database: Database, clock: Clock, worker: str, embedder_digest: str | None = None) -> None:
        """Without an embedder of its own it goes by the one that scored last."""
        self._database = database
        self._clock = clock
        self._worker = worker
        self._embedder_digest = embedder_digest

    def run_once(self) -> int:
        """Work on the oldest job there is something to do for; returns how many that were."""
        with self._database.reading() as session:
            open_jobs = baseline_jobs.unfinished(session)
        return int(any(self.work(job) for job in open_jobs if job.phase in _PHASES))

    def work(self, job: KnownJob) -> bool:
        """Take a job as far as it goes now; whether anything came of it."""
        with self._database.transaction() as session:
            if job.phase is Phase.SCORING and not self._is_scored(session, job):
                return False
            if not self._take(session, job):
                return False
        try:
            self._make(job)
        except StoreError:
            raise  # it is tried again when the database is back
        except SafelightError as error:
            self._fail(job, error)
        except Exception as error:  # noqa: BLE001 - whatever it was, it must not be tried for ever
            _log.exception("baseline %s of %s could not be made", job.name, job.generator)
            why = f"The baseline could not be made ({type(error).__name__}). The worker's log has the details."
            self._fail(job, SafelightError(Kind.UNAVAILABLE, "baseline_failed", why))
        return True

    def _make(self, job: KnownJob) -> None:
        with self._database.reading() as session:
            read = self._read(session, job)
        fitted = from_logged(
            read,
            generator=job.generator,
            version=job.version,
            source=job.source,
            name=job.name,
            data_from=job.data_from or job.created_at,
            data_to=job.data_to or job.phase_at,
            created_by=job.created_by,
        )
        self._keep(job, fitted)

    def _read(self, session: Session, job: KnownJob) -> Logged:
        embedder = self._embedder_digest or sketches.newest_embedder(session, job.generator)
        if embedder is None:
            raise SafelightError(
                Kind.CONFLICT,
                "nothing_scored",
                f"Nothing of {job.generator} has been scored yet. Send it traffic and see that a worker runs.",
            )
        if job.data_from is None or job.data_to is None:
            return replayed(session, job.generator, job.version, job.id, embedder)
        # What an incident's window holds may be bad although the incident opened later.
        troubles = incidents.between(session, job.generator, job.data_from, job.data_to + LONGEST_WINDOW)
        return logged(
            session,
            job.generator,
            job.version,
            quiet(job.data_from, job.data_to, troubles),
            arms=ARMS[Source(job.source)],
            embedder_digest=embedder,
        )

    def _keep(self, job: KnownJob, fitted: NewBaseline) -> None:
        now = self._clock.now()
        with self._database.transaction() as session:
            if not self._take(session, job):
                return  # it was cancelled, or another has it by now
            made = baselines.add(session, fitted, now)
            baseline_jobs.finish(session, job.id, self._worker, made.id, now)
            what = f"{job.generator} {job.version} {job.name}"
            access.record_audit(session, now, job.created_by, "baseline.create", what, f"n = {made.n}")

    def _fail(self, job: KnownJob, error: SafelightError) -> None:
        with self._database.transaction() as session:
            baseline_jobs.fail(session, job.id, self._worker, error, self._clock.now())

    def _take(self, session: Session, job: KnownJob) -> bool:
        now = self._clock.now()
        return baseline_jobs.take(session, job.id, _PHASES, self._worker, now, now + _HELD, enter=Phase.FITTING)

    def _is_scored(self, session: Session, job: KnownJob) -> bool:
        """Whether a replay's images are in the log and have been looked at; one that was lost is not waited for."""
        standing = replays.standing(session, job.id)
        patient = self._clock.now() - job.phase_at < _LOGGED_WITHIN
        return standing.waiting == 0 and (standing.logged >= job.total or not patient)
