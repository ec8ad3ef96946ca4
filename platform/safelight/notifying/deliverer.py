"""Empties the outbox: claims what is due, sends it, and writes down what came of it."""

import logging
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import product
from uuid import UUID

from safelight.clock import Clock
from safelight.notifying import outbox
from safelight.notifying.kinds import KINDS
from safelight.notifying.message import Message
from safelight.notifying.retry import (
    Answered,
    Delivered,
    Disable,
    Failure,
    GiveUp,
    Outcome,
    Retry,
    error_of,
    next_step,
)
from safelight.notifying.sender import Sender
from safelight.store import access, notifications
from safelight.store.database import Database
from safelight.store.notifications import SUPERSEDED, Attempt, Due, State
from safelight.telemetry import meters

logger = logging.getLogger(__name__)

_GONE = "The receiver answered 410 Gone."
_TOO_MANY = 429

Start = Callable[[Callable[[], None]], None]


def in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="delivery", daemon=True).start()


def _result(step: type) -> str:
    return step.__name__.lower()


class Deliverer:
    """One message at a time for each channel, all channels side by side: a slow one keeps nobody else waiting.

    Any number of workers may deliver: each notification is claimed by one of them.
    """

    def __init__(
        self,
        database: Database,
        sender: Sender,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        start: Start = in_a_thread,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._jitter = jitter
        self._start = start
        # Longer than an attempt can take: whoever dies with a claim leaves the notification to the next one.
        self._claim = timedelta(seconds=2 * sender.longest_seconds + 60)
        self._lock = threading.Lock()
        self._busy: set[UUID] = set()
        for kind, step in product(KINDS, (GiveUp, Disable)):
            # Counted from nought on: in a series that begins at one, Prometheus finds no increase to ring for.
            meters.DELIVERIES.labels(kind.value, _result(step))

    def run_once(self) -> int:
        """Starts an attempt for every channel that has something due and none under way; returns how many."""
        now = self._clock.now()
        with self._lock:
            busy = frozenset(self._busy)
        with self._database.transaction() as session:
            claimed = notifications.claim_due(session, now, until=now + self._claim, busy=busy)
        with self._lock:
            self._busy.update(due.access.channel_id for due in claimed)
        for due in claimed:
            self._start(partial(self._deliver, due))
        return len(claimed)

    def _deliver(self, due: Due) -> None:
        try:
            self._attempt(due)
        except Exception:
            logger.exception("notification %s could not be seen to; its claim lapses and it is tried again", due.id)
        finally:
            with self._lock:
                self._busy.discard(due.access.channel_id)

    def _attempt(self, due: Due) -> None:
        channel = KINDS[due.access.kind]
        started, began = self._clock.now(), self._clock.monotonic()
        if self._is_superseded(due):
            with self._database.transaction() as session:
                notifications.record_attempt(session, due.id, Attempt(started, 0.0, None, SUPERSEDED), State.FAILED)
            return
        outcome = self._sent(due)
        attempt = Attempt(
            at=started,
            duration_ms=1000 * (self._clock.monotonic() - began),
            status=outcome.status if isinstance(outcome, Answered) else None,
            error=error_of(outcome),
        )
        self._record(due, attempt, outcome, channel.refusals)

    def _sent(self, due: Due) -> Outcome:
        """A fault of ours is an attempt as well: it is counted and comes to an end, and what follows is told."""
        try:
            return self._sender.send(Message(due.id, due.event, due.created_at, due.payload), due.access)
        except Exception:
            logger.exception("notification %s could not be sent", due.id)
            return Failure.FAULT

    def _is_superseded(self, due: Due) -> bool:
        with self._database.reading() as session:
            return outbox.is_superseded(session, due.id, due.access.kind)

    def _record(self, due: Due, attempt: Attempt, outcome: Outcome, refusals: frozenset[int]) -> None:
        now = self._clock.now()
        step = next_step(due.attempts + 1, outcome, now, self._jitter(), refusals)
        meters.DELIVERIES.labels(due.access.kind.value, _result(type(step))).inc()
        with self._database.transaction() as session:
            match step:
                case Delivered():
                    notifications.record_attempt(session, due.id, attempt, State.DELIVERED)
                case Retry(at):
                    notifications.record_attempt(session, due.id, attempt, State.PENDING, at)
                    if attempt.status == _TOO_MANY:
                        notifications.hold(session, due.access.channel_id, at)
                case GiveUp():
                    notifications.record_attempt(session, due.id, attempt, State.FAILED)
                case Disable():
                    notifications.record_attempt(session, due.id, attempt, State.FAILED)
                    channel = notifications.disable_channel(session, due.access.channel_id, _GONE)
                    access.record_audit(session, now, "safelight", "channel.disable", channel.name, _GONE)
