"""The clock that calls: APScheduler runs jobs in the background. The only file that knows it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from safelight.rounds import is_told
from safelight.telemetry.meters import LOOP_FAILURES

_log = logging.getLogger(__name__)
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Job:
    """Something to call every so often, at multiples of the interval since the epoch."""

    name: str
    seconds: float
    run: Callable[[], object]


class Schedule:
    """Runs jobs side by side, none beside itself; a late one runs once, and one that fails runs again next time."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for job in jobs:
            trigger = IntervalTrigger(seconds=job.seconds, start_date=_EPOCH, timezone=UTC)
            self._scheduler.add_job(_guarded(job), trigger, id=job.name, name=job.name)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Returns when running jobs have ended."""
        self._scheduler.shutdown(wait=True)


def _guarded(job: Job) -> Callable[[], None]:
    failures = 0

    def run() -> None:
        nonlocal failures
        try:
            job.run()
            failures = 0
        except Exception:  # noqa: BLE001 - whatever a job raises, the next run may do better
            failures += 1
            LOOP_FAILURES.labels(job.name).inc()
            if is_told(failures):
                _log.exception("%s failed, %d in a row; it runs again in %g s", job.name, failures, job.seconds)

    return run
