"""The tick: once a slot, every generator's monitors answer, and what they say is stored and answered as one."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from safelight.clock import Clock, bucket_start
from safelight.store import ledger, slots, standings, verdicts, versions
from safelight.store.database import Database, Session
from safelight.store.slots import SlotState
from safelight.store.verdicts import StoredVerdict
from safelight.telemetry import meters
from safelight.watching.assess import Assessor
from safelight.watching.lease import Leadership

_log = logging.getLogger(__name__)
_MISSED_KEPT = 1_000
"""Missed slots recorded one by one after a long absence; the oldest of them says how many more there were."""


class Responder(Protocol):
    """What is done about verdicts, in the transaction that stores them."""

    def respond(self, session: Session, generator: str, verdicts: Sequence[StoredVerdict], now: datetime) -> None: ...


class Ticker:
    """Runs the slots of one worker. A slot's row is its claim: without it nothing of the tick is kept."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        assessor: Assessor,
        responder: Responder,
        leadership: Leadership,
        worker: str,
        tick_seconds: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._assessor = assessor
        self._responder = responder
        self._leadership = leadership
        self._worker = worker
        self._tick = timedelta(seconds=tick_seconds)

    def run_once(self) -> int:
        """Run the present slot of every generator that has not had it; returns how many that were."""
        if not self._leadership.held():
            return 0
        slot = bucket_start(self._clock.now(), int(self._tick.total_seconds()))
        with self._database.reading() as session:
            names = [each.name for each in versions.generators(session)]
        return sum(self._run(name, slot) for name in names)

    def _run(self, generator: str, slot: datetime) -> bool:
        began = self._clock.monotonic()
        try:
            kept = self._keep(generator, slot)
            if kept:
                meters.TICKS.labels("done").inc()
                meters.TICK_SECONDS.observe(self._clock.monotonic() - began)
            return kept
        except Exception as error:  # noqa: BLE001 - one generator's fault must not stop the others' watch
            meters.TICKS.labels("failed").inc()
            _log.exception("the tick of %s at %s failed", generator, slot)
            with self._database.transaction() as session:
                detail = f"{type(error).__name__}; the worker's log has the details"
                slots.record(session, generator, slot, SlotState.FAILED, self._worker, self._clock.now(), detail)
            return False

    def _keep(self, generator: str, slot: datetime) -> bool:
        # Assessing takes its time and only reads: nobody else has to wait for it.
        with self._database.reading() as session:
            newest = slots.newest(session, generator)
            situation = self._assessor.situation(session, generator)
            if situation is None or (newest is not None and newest >= slot):
                return False
            answers = self._assessor.assess(session, situation, slot)
        with self._database.transaction() as session:
            ledger.lock(session, generator)  # what is judged here goes on serving until this is written
            current = self._assessor.situation(session, generator)
            if current is None or not self._leadership.confirm(session):
                return False
            if current != situation:
                answers = self._assessor.assess(session, current, slot)
            now = self._clock.now()
            self._record_missed(session, generator, newest, slot, now)
            if not slots.record(session, generator, slot, SlotState.DONE, self._worker, now):
                return False
            stored = verdicts.add(session, generator, slot, answers)
            by_slice = {answer.monitor: answer.slices for answer in answers}
            standings.keep(session, generator, slot, current.version, by_slice)
            self._responder.respond(session, generator, stored, now)
        for answer in answers:
            meters.VERDICTS.labels(generator, answer.verdict.health.value).inc()
        return True

    def _record_missed(
        self, session: Session, generator: str, newest: datetime | None, slot: datetime, now: datetime
    ) -> None:
        missed = missed_slots(newest, slot, self._tick)
        untold = len(missed) - _MISSED_KEPT
        for i, moment in enumerate(missed[-_MISSED_KEPT:]):
            detail = f"and {untold} before it" if i == 0 and untold > 0 else ""
            slots.record(session, generator, moment, SlotState.MISSED, self._worker, now, detail)


def missed_slots(newest: datetime | None, slot: datetime, tick: timedelta) -> list[datetime]:
    """Slots between the newest on record and the present one, the oldest first; none before the first ever."""
    if newest is None:
        return []
    count = (slot - newest) // tick - 1
    return [slot - (count - i) * tick for i in range(max(0, count))]
