"""Tells each target what should serve until it is seen to serve it, and looks now and then whether it still does."""

import logging
import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from safelight.clock import Clock
from safelight.errors import SafelightError
from safelight.leadership import Leadership
from safelight.notifying.deliverer import Start, in_a_thread
from safelight.releasing.targets.kinds import KINDS
from safelight.releasing.targets.observing import confirm
from safelight.releasing.targets.target import Backend, Desired, Reply, Seen, Taken, Unheard
from safelight.store import releases, targets, versions
from safelight.store.database import Database, Session
from safelight.store.targets import Access, KnownTarget, TargetKind

logger = logging.getLogger(__name__)

_ACTOR = "safelight"
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_LOOK_EVERY = timedelta(seconds=30)
"""How often a target that can be looked at is, once it serves what it should."""
_JITTER = 0.1


def pause_after(attempts: int, reply: Reply, kind: TargetKind) -> timedelta:
    """How long to wait after an attempt, the first being 1. It is never given up: what is cut off comes back some day.

    A controller that is at work is looked at often: that asks nobody to do anything again.
    """
    if isinstance(reply, Taken) and kind is not TargetKind.WEBHOOK:
        return _FIRST_PAUSE
    return min(_FIRST_PAUSE * 2.0 ** min(attempts - 1, 10), _LONGEST_PAUSE)


class Converger:
    """One exchange at a time with each target, all of them side by side; only the leader speaks to any.

    Two leaders at once, for the moment in which a lease changes hands, do no harm: an order repeated is the same order.
    """

    def __init__(
        self,
        database: Database,
        leadership: Leadership,
        backend: Backend,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        start: Start = in_a_thread,
    ) -> None:
        self._database = database
        self._leadership = leadership
        self._backend = backend
        self._clock = clock
        self._jitter = jitter
        self._start = start
        self._lock = threading.Lock()
        self._busy: set[UUID] = set()

    def run_once(self) -> int:
        """Begin with every target that is due and not spoken to already; returns how many."""
        if not self._leadership.held():
            return 0
        now = self._clock.now()
        with self._database.reading() as session:
            known = targets.all_of(session)
        with self._lock:
            due = [each.id for each in known if _due(each, now) and each.id not in self._busy]
            self._busy.update(due)
        for target_id in due:
            self._start(partial(self._see_to, target_id))
        return len(due)

    def _see_to(self, target_id: UUID) -> None:
        try:
            self._converge(target_id)
        except Exception:
            logger.exception("target %s could not be seen to; it is tried again", target_id)
        finally:
            with self._lock:
                self._busy.discard(target_id)

    def _converge(self, target_id: UUID) -> None:
        with self._database.reading() as session:
            to = targets.access(session, target_id, self._clock.now())
            desired = desired_of(session, to.target)
        if desired is None:
            return
        reply = self._speak(desired, to)
        now = self._clock.now()
        with self._database.transaction() as session:
            if targets.require(session, target_id).release_id != desired.release.id:
                return  # another release has taken over meanwhile
            if reply is None:
                targets.rest(session, target_id)
                return
            reply = self._note(session, desired, to.target, reply, now)
            self._record(session, desired, to.target, reply, now)

    def _speak(self, desired: Desired, to: Access) -> Reply | None:
        """None where it has said all there is to say: it serves this, and would only be told again."""
        kind, target, now = KINDS[to.target.kind], to.target, self._clock.now()
        # Once it has served this, it is looked at only: whoever changes it then may know why, and people are told.
        served = target.observed_release_id == desired.release.id
        if served and target.observed_version in (desired.version.number, None):
            return kind.look(desired, to, self._backend, now)
        return kind.tell(desired, to, self._backend, now)

    def _note(self, session: Session, desired: Desired, target: KnownTarget, reply: Reply, now: datetime) -> Reply:
        """Keep what was seen; a receiver that confirms what is not known here has confirmed nothing."""
        if not isinstance(reply, Seen):
            return reply
        if reply.version is None:
            targets.observe(session, target.id, desired.release.id, None, reply.detail, now)
            return reply
        try:
            confirm(session, target.id, desired.release.id, reply.version, reply.detail, _ACTOR, now)
        except SafelightError as refused:
            return Unheard(refused.message)
        return reply

    def _record(self, session: Session, desired: Desired, target: KnownTarget, reply: Reply, now: datetime) -> None:
        error = reply.error if isinstance(reply, Unheard) else ""
        if isinstance(reply, Seen) and reply.version in (desired.version.number, None):
            following = None if target.kind is TargetKind.WEBHOOK else now + _LOOK_EVERY
        else:
            pause = pause_after(target.attempts + 1, reply, target.kind) * (1 + _JITTER * self._jitter())
            following = now + pause
        targets.record_attempt(session, target.id, desired.release.id, now, error, following)


def desired_of(session: Session, target: KnownTarget) -> Desired | None:
    """What a target is told of; None where nothing was released to it yet."""
    if target.release_id is None:
        return None
    release = releases.require(session, target.release_id)
    return Desired(release, versions.require_version(session, release.generator, release.to_version))


def _due(target: KnownTarget, now: datetime) -> bool:
    return target.release_id is not None and target.next_attempt_at is not None and target.next_attempt_at <= now
