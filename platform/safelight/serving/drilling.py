"""What an engine host does of the drills that are ordered: one at a time, beside everything else, and behind it.

A drill holds a spare engine of its version, which no traffic goes to, until that is ready or has failed. It is the last
that memory is given to, and the first that it is taken from: then the drill waits.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from safelight.clock import Clock
from safelight.serving.child import ChildStatus
from safelight.serving.desired import Bundle
from safelight.store import drills
from safelight.store.database import Database
from safelight.store.drills import DrillReason, DrillState, KnownDrill, Took
from safelight.store.engines import EngineState
from safelight.store.residency import Residency

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 10.0
_TRIES = 3
"""An engine that ends without a word says nothing about its version, unless it does so again and again."""
_WITHOUT_A_WORD = "the process ended by itself"
_CORRUPT = frozenset({"VersionCorrupt", "UnknownVersion"})
_NO_ROOM = frozenset({"OutOfMemoryError", "MemoryError"})
_AWAY = frozenset({"StoreUnavailable", "StoreError", "OSError", "PermissionError"})


@dataclass(frozen=True)
class Outcome:
    """What an attempt says. Of one that says nothing about the version `state` is None: it is made again."""

    state: DrillState | None
    reason: DrillReason | None
    detail: str = ""


def outcome(status: ChildStatus, silent_before: int = 0) -> Outcome | None:
    """What became of a spare engine; None while it is under way. `silent_before` of its predecessors ended silently."""
    if status.state is EngineState.READY:
        return Outcome(DrillState.PASSED, None)
    if status.state is EngineState.STOPPED:
        return Outcome(None, DrillReason.NO_ROOM, "its engine had to make room")
    if status.state is not EngineState.FAILED:
        return None
    kind, _, said = status.detail.partition(":")
    if kind in _CORRUPT:
        return Outcome(DrillState.FAILED, DrillReason.CORRUPT, status.detail)
    if kind in _NO_ROOM:
        return Outcome(None, DrillReason.NO_ROOM, status.detail)
    if kind in _AWAY:
        return Outcome(None, DrillReason.INTERRUPTED, status.detail)
    if said.strip().startswith("golden_"):
        return Outcome(DrillState.FAILED, DrillReason.GOLDEN_FAILED, status.detail)
    if kind.startswith(_WITHOUT_A_WORD) and silent_before + 1 < _TRIES:
        return Outcome(None, DrillReason.INTERRUPTED, status.detail)
    return Outcome(DrillState.FAILED, DrillReason.DOES_NOT_LOAD, status.detail)


@dataclass
class _Current:
    """The drill in hand. Times are monotonic."""

    drill: KnownDrill
    heard_at: float
    fetch_seconds: float = 0.0
    silent: int = 0
    seen: ChildStatus | None = None

    @property
    def bundle(self) -> Bundle:
        return Bundle(self.drill.generator, self.drill.version, spare=True)


class Drilling:
    """One host's. Every method may raise StoreError."""

    def __init__(self, database: Database, host: str, clock: Clock) -> None:
        self._database = database
        self._host = host
        self._clock = clock
        self._current: _Current | None = None
        self._looked_at = float("-inf")

    def wanted(self) -> list[Bundle]:
        """What to hold for it, if there is room beside all else."""
        now = self._clock.monotonic()
        if self._current is None and now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self._claim()
        return [] if self._current is None else [self._current.bundle]

    def look(self, held: Mapping[Bundle, ChildStatus]) -> None:
        """How the engines of this host stand: a drill that is over is written down."""
        current = self._current
        if current is None:
            return
        awake = held.get(current.bundle)
        asleep = held.get(current.bundle._replace(residency=Residency.DISK))
        if asleep is not None and asleep.fetch_seconds is not None:
            current.fetch_seconds = max(current.fetch_seconds, asleep.fetch_seconds)
        # A failure while it only waits on the disk counts as well: its checkpoint cannot be had.
        status = awake or (asleep if asleep is not None and asleep.state is EngineState.FAILED else None)
        found = outcome(status, current.silent) if status is not None and status != current.seen else None
        current.seen = status
        if found is not None and found.state is not None and status is not None:
            self._end(current, found, status)
            return
        if found is not None and found.detail.startswith(_WITHOUT_A_WORD):
            current.silent += 1
        detail = found.detail if found else _doing(awake, asleep)
        reason = found.reason if found else (DrillReason.NO_ROOM if awake is None and asleep is not None else None)
        self._beat(current, detail, reason, at_once=found is not None)

    def _claim(self) -> None:
        now = self._clock.now()
        with self._database.reading() as session:
            waiting = drills.in_hand(session)
        for drill in waiting:
            with self._database.transaction() as session:
                claimed = drills.claim(session, drill.id, self._host, now)
            if claimed:
                logger.info("drilling version %s of %s", drill.version, drill.generator)
                self._current = _Current(drill, self._clock.monotonic())
                return

    def _end(self, current: _Current, found: Outcome, status: ChildStatus) -> None:
        fetch = max(current.fetch_seconds, status.fetch_seconds or 0.0)
        took = Took(fetch, status.load_seconds, status.check_seconds)
        now = self._clock.now()
        with self._database.transaction() as session:
            if found.state is not None and drills.heard(session, current.drill.id, self._host, "", None, now):
                drills.end(
                    session,
                    current.drill.id,
                    found.state,
                    now,
                    reason=found.reason,
                    detail=found.detail,
                    took=took,
                    size_bytes=status.bytes_total,
                )
        self._current = None

    def _beat(self, current: _Current, detail: str, reason: DrillReason | None, *, at_once: bool) -> None:
        now = self._clock.monotonic()
        if not at_once and now - current.heard_at < _BEAT_SECONDS:
            return
        current.heard_at = now
        with self._database.transaction() as session:
            kept = drills.heard(session, current.drill.id, self._host, detail, reason, self._clock.now())
        if not kept:
            self._current = None  # it took too long, or was taken over


def _doing(awake: ChildStatus | None, asleep: ChildStatus | None) -> str:
    if awake is not None:
        return awake.detail
    return "waits for room on the device" if asleep is not None and asleep.fetch_seconds is not None else "is fetched"
