"""What the ticks of long ago left behind: of answers that repeat one another one is kept for all, and no slot."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from monitors.verdict import Health
from safelight.clock import Clock, bucket_start
from safelight.store import slots, thinning
from safelight.store.database import Database
from safelight.store.thinning import Answer, Stretch

_HOUR = timedelta(hours=1)
_SLOTS_AT_ONCE = 1_000


class Thinning:
    """Any number may run, at any time: a stretch that was looked at is not due again."""

    def __init__(self, database: Database, clock: Clock, kept: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept

    def run_once(self) -> int:
        """Thin the oldest hour of a generator that is due, or let go of old slots; returns how many rows there were."""
        before = bucket_start(self._clock.now() - self._kept, int(_HOUR.total_seconds()))
        return self._thin(before) or self._forget(before)

    def _thin(self, before: datetime) -> int:
        with self._database.reading() as session:
            due = thinning.oldest_due(session, before)
        if due is None:
            return 0
        generator, slot = due
        start = bucket_start(slot, int(_HOUR.total_seconds()))
        hour = Stretch(generator, start, start + _HOUR)
        with self._database.transaction() as session:
            answers = thinning.answers(session, hour)
            thinning.thin(session, hour, standing(answers))
        return len(answers)

    def _forget(self, before: datetime) -> int:
        with self._database.transaction() as session:
            return slots.forget(session, before, _SLOTS_AT_ONCE)


def standing(answers: Sequence[Answer]) -> dict[int, int]:
    """The answers that are kept, by id, and for how many ticks in a row each stands.

    Takes them monitor by monitor, the oldest first. Of those in a row that say the same of the same version the last is
    kept. What a critical monitor found degraded has opened or joined an incident: all of that is kept as it is.
    """
    kept: dict[int, int] = {}
    for _, alike in groupby(answers, key=_says):
        run = list(alike)
        if run[0].critical and run[0].health is Health.DEGRADED:
            kept |= {each.id: each.ticks for each in run}
        else:
            kept[run[-1].id] = sum(each.ticks for each in run)
    return kept


def _says(answer: Answer) -> tuple[str, int | None, bool, Health, str]:
    return answer.monitor, answer.version, answer.critical, answer.health, answer.reason
