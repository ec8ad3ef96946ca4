"""Telling the outside, again and again, how things stand: that Safelight watches, and which alerts still hold.

Nothing of it is in the outbox: a beat that is missed is not made up for, the next one counts.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from safelight.clock import Clock
from safelight.ids import new_id
from safelight.notifying.message import Message
from safelight.notifying.retry import Answered, Outcome, error_of
from safelight.notifying.sender import Sender
from safelight.store import access, channels, notifications, slots, versions
from safelight.store.channels import Access, ChannelKind
from safelight.store.database import Database, Session

logger = logging.getLogger(__name__)

BEAT_EVENT = "safelight.heartbeat"
_AT_ONCE = 8
_MISSED_TICKS = 3
_GONE = 410


class Pulse:
    """Run by every worker, done by the one that leads.

    A dead man's switch says that the watch works, not that a process lives: while the monitors do not tick, or the
    database is away, nothing is sent, and whoever expects to hear of us calls people.
    """

    def __init__(
        self, database: Database, sender: Sender, leads: Callable[[], bool], clock: Clock, tick_seconds: float
    ) -> None:
        self._database = database
        self._sender = sender
        self._leads = leads
        self._clock = clock
        self._longest_silence = timedelta(seconds=_MISSED_TICKS * tick_seconds)

    def run_once(self) -> None:
        if not self._leads():
            return
        now = self._clock.now()
        with self._database.reading() as session:
            enabled = [channel for channel in channels.all_of(session) if channel.enabled]
            found = [channels.find_access(session, channel.id, now) for channel in enabled]
            silent_since = _silent_since(session, now - self._longest_silence)
        tasks = [task for to in found if to is not None and (task := self._task(to, now, silent_since)) is not None]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pulse") as side_by_side:
            for done in [side_by_side.submit(task) for task in tasks]:
                done.result()

    def _task(self, to: Access, now: datetime, silent_since: datetime | None) -> Callable[[], None] | None:
        match to.kind:
            case ChannelKind.HEARTBEAT:
                return lambda: self._beat(to, now, silent_since)
            case ChannelKind.ALERTMANAGER:
                return lambda: self._tell_again(to)
            case _:
                return None

    def _beat(self, to: Access, now: datetime, silent_since: datetime | None) -> None:
        if silent_since is not None:
            error = f"not sent: the monitors have not ticked since {silent_since:%Y-%m-%d %H:%M:%S} UTC"
            outcome: Outcome | None = None
        else:
            outcome = self._sender.send(Message(new_id(), BEAT_EVENT, now, {}), to)
            error = error_of(outcome)
        with self._database.transaction() as session:
            channels.record_beat(session, to.channel_id, now, error)
            if isinstance(outcome, Answered) and outcome.status == _GONE:
                channel = notifications.disable_channel(session, to.channel_id, "The receiver answered 410 Gone.")
                access.record_audit(session, now, "safelight", "channel.disable", channel.name, error)

    def _tell_again(self, to: Access) -> None:
        """Alertmanager forgets alerts when it restarts, and ends those that nobody repeats."""
        with self._database.reading() as session:
            standing = notifications.standing(session, to.channel_id)
        for each in standing:
            outcome = self._sender.send(Message(each.id, each.event, each.created_at, each.payload), to)
            if error := error_of(outcome):
                logger.warning("an alert that still holds could not be repeated: %s", error)
            if not isinstance(outcome, Answered):
                return  # nobody is there, and the others would wait for it one by one


def _silent_since(session: Session, oldest: datetime) -> datetime | None:
    """When the monitors of any generator last ticked, if that is too long ago; None where none has ever ticked."""
    ticks = [slots.newest(session, generator.name) for generator in versions.generators(session)]
    newest = max((tick for tick in ticks if tick is not None), default=None)
    return newest if newest is not None and newest < oldest else None
