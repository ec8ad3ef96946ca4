"""Empties the outbox: claims what is due, sends it, and writes down what came of it."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from safelight.clock import Clock
from safelight.notifying.connection import GuardedBackend
from safelight.notifying.retry import Answered, Delivered, Disable, GiveUp, Outcome, Retry, next_step
from safelight.notifying.sending import Message, send
from safelight.settings import NotifyingSettings
from safelight.store import notifications
from safelight.store.database import Database
from safelight.store.notifications import Attempt, Due, State

_AT_ONCE = 8


class Deliverer:
    """Any number of workers may deliver: each notification is claimed by one of them at a time."""

    def __init__(
        self, database: Database, settings: NotifyingSettings, clock: Clock, jitter: Callable[[], float] = random.random
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._jitter = jitter

    def run_once(self) -> int:
        """Makes one attempt for each of the notifications that are due, and returns how many there were."""
        # Longer than an attempt can take: whoever dies with a claim leaves the notification to the next one.
        claim = timedelta(seconds=2 * self._settings.timeout_seconds + 60)
        now = self._clock.now()
        with self._database.transaction() as session:
            claimed = notifications.claim_due(session, now, until=now + claim, limit=_AT_ONCE)
        if claimed:
            with ThreadPoolExecutor(len(claimed), thread_name_prefix="deliverer") as senders:
                list(senders.map(self._attempt, claimed))
        return len(claimed)

    def _attempt(self, due: Due) -> None:
        started, began = self._clock.now(), self._clock.monotonic()
        message = Message(due.id, due.event, due.created_at, due.payload)
        outcome = send(message, due.url, due.secret, started, self._backend)
        duration = self._clock.monotonic() - began
        attempt = Attempt(
            at=started,
            duration_ms=1000 * duration,
            status=outcome.status if isinstance(outcome, Answered) else None,
            error=_error(outcome),
        )
        step = next_step(due.attempts + 1, outcome, self._clock.now(), self._jitter())
        with self._database.transaction() as session:
            match step:
                case Delivered():
                    notifications.record_attempt(session, due.id, attempt, State.DELIVERED)
                case Retry(at):
                    notifications.record_attempt(session, due.id, attempt, State.PENDING, at)
                case GiveUp():
                    notifications.record_attempt(session, due.id, attempt, State.FAILED)
                case Disable():
                    notifications.record_attempt(session, due.id, attempt, State.FAILED)
                    notifications.disable_channel(session, due.channel_id, "The receiver answered 410 Gone.")

    def _backend(self) -> GuardedBackend:
        return GuardedBackend(
            self._clock, self._settings.timeout_seconds, allow_private=self._settings.allow_private_addresses
        )


def _error(outcome: Outcome) -> str:
    if not isinstance(outcome, Answered):
        return outcome.value
    return "" if 200 <= outcome.status < 300 else f"status {outcome.status}"
