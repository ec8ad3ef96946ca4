"""Baselines that nobody has to ask for: of an accepted version's own traffic, larger ones as it grows."""

import logging
from datetime import datetime, timedelta

from registry.rules import known_good
from safelight.clock import Clock
from safelight.errors import SafelightError
from safelight.rounds import Turns
from safelight.settings import BaselineSettings
from safelight.store import baseline_jobs, baselines, chains, incidents, ledger, totals, versions
from safelight.store.database import Database, Session
from safelight.store.job_state import JobState
from safelight.watching.baselines import LARGEST
from safelight.watching.lease import Leadership
from safelight.watching.ordering import ARMS, Ordered, Source, order_logged
from safelight.watching.quiet import quiet

_log = logging.getLogger(__name__)
ACTOR = "safelight"
LOOK_BACK = timedelta(days=7)
"""A week holds every hour of every day; what is older may be asked for by hand."""
_REST = timedelta(hours=6)
"""After a baseline that could not be made."""


def due(images: int, newest: int | None, settings: BaselineSettings) -> bool:
    """Whether so many images are worth a baseline: a first one, or one that sees clearly more than the newest.

    `newest` is how many that was made of. Its uncertainty shrinks with their square root: twice as many see effects a
    third smaller.
    """
    if newest is None:
        return images >= settings.first_at
    return newest < LARGEST and images >= newest * settings.growth


class AutomaticBaselines:
    """Asks for what is due; the leader among the workers does, so that nothing is asked for twice."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        leadership: Leadership,
        settings: BaselineSettings,
        embedder_digest: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._leadership = leadership
        self._settings = settings
        self._embedder_digest = embedder_digest
        self._turns = Turns("automatic baselines", clock)

    def run_once(self) -> int:
        """Returns how many baselines were asked for."""
        if not (self._settings.automatic and self._leadership.held()):
            return 0
        with self._database.reading() as session:
            names = [each.name for each in versions.generators(session)]
        return self._turns.take(names, self._ask)

    def _ask(self, generator: str) -> bool:
        now = self._clock.now()
        with self._database.reading() as session:
            found = self._due(session, generator, now)
        if found is None:
            return False
        version, start = found
        wanted = Ordered(generator, version, f"v{version} {now:%Y-%m-%d %H:%M}", ACTOR)
        try:
            with self._database.transaction() as session:
                order_logged(session, wanted, Source.TRAFFIC, start, now, now)
        except SafelightError as refusal:
            _log.warning("no baseline of version %d of %s: %s", version, generator, refusal.message)
            return False
        return True

    def _due(self, session: Session, generator: str, now: datetime) -> tuple[int, datetime] | None:
        """The version, and since when its traffic counts."""
        entry = ledger.newest_release(session, generator)
        if entry is None or entry.to_version not in known_good(chains.decisive(session, generator)):
            return None
        if self._is_busy(session, generator, entry.to_version, now):
            return None
        start = max(entry.at, now - LOOK_BACK)
        images = self._images(session, generator, entry.to_version, start, now)
        newest = baselines.newest_of(session, generator, entry.to_version, self._embedder_digest)
        is_due = due(images, newest.n if newest else None, self._settings)
        return (entry.to_version, start) if is_due else None

    def _is_busy(self, session: Session, generator: str, version: int, now: datetime) -> bool:
        """Whether one is being made, has just failed, or something is wrong: then nothing is called usual."""
        if incidents.open_incidents(session, generator):
            return True
        newest = next(iter(baseline_jobs.page(session, generator, limit=1)), None)
        if newest is None:
            return False
        failed = newest.state is JobState.FAILED and newest.created_by == ACTOR and newest.version == version
        return not newest.state.ended or (failed and now - newest.created_at < _REST)

    def _images(self, session: Session, generator: str, version: int, start: datetime, end: datetime) -> int:
        """Scored images of the version that a baseline could be fitted to."""
        troubles = incidents.between(session, generator, start, end)
        found = [
            totals.totals(session, generator, version, arm, self._embedder_digest, *stretch)
            for stretch in quiet(start, end, troubles)
            for arm in ARMS[Source.TRAFFIC]
        ]
        return sum(each.scored - each.blank - each.broken for each in found)
