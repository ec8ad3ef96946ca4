"""Engines that keep dying: one incident for a version that a machine starts in vain, not an alarm for every death."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from registry.rules import last_known_good
from safelight.clock import Clock
from safelight.leadership import Leadership
from safelight.responding.announcement import Links
from safelight.responding.causes import Cause
from safelight.responding.following import follow
from safelight.store import chains, engines, ledger, releases
from safelight.store.database import Database, Session
from safelight.store.engines import LIVING, STEADY_AFTER, EngineState, KnownEngine

MONITOR = "engines"
REASON = "engine_crash_loop"
_OVER = "No engine of the version has failed again: it serves, or it is no longer wanted on this machine."
_MANY = 3
"""Deaths in a row that are no accident: the first costs no more than a load, and so may the second."""
_STILL = timedelta(minutes=10)
"""A host rests five minutes at most between two starts: after twice that it no longer tries."""


@dataclass(frozen=True)
class CrashLoop:
    """A version that a host starts again and again. `deaths` are its engines that failed in a row, the newest first."""

    generator: str
    version: int
    host: str
    deaths: tuple[KnownEngine, ...]

    @property
    def key(self) -> str:
        return f"{self.generator}:{ledger.DEFAULT_SCOPE}:engines-{self.version}-{self.host}"

    @property
    def summary(self) -> str:
        return (
            f"{len(self.deaths)} engines in a row have failed on {self.host}, the last with: {self.deaths[0].detail}. "
            "It is started again at growing intervals of up to five minutes."
        )


def crash_loops(known: Iterable[KnownEngine], now: datetime) -> list[CrashLoop]:
    """Which versions keep dying, from all engines that are remembered."""
    own = sorted((each for each in known if not each.spare), key=_place)
    loops = (CrashLoop(*place, _deaths(list(group), now)) for place, group in groupby(own, key=_place))
    return [loop for loop in loops if len(loop.deaths) >= _MANY]


def _place(engine: KnownEngine) -> tuple[str, int, str]:
    return engine.generator, engine.version, engine.host


def _deaths(group: Sequence[KnownEngine], now: datetime) -> tuple[KnownEngine, ...]:
    """Those since an engine last served for a while; none when nothing is tried any more."""
    newest_first = sorted(group, key=lambda each: each.id, reverse=True)
    deaths = []
    for each in newest_first:
        if each.state is EngineState.FAILED and each.detail != engines.SILENT:
            deaths.append(each)
        elif each.state is EngineState.STOPPED:
            break
        if each.ready_at is not None and each.heartbeat_at - each.ready_at >= STEADY_AFTER:
            break
    tried = newest_first[0].state in LIVING or now - newest_first[0].heartbeat_at < _STILL
    return tuple(deaths) if tried else ()


class CrashWatch:
    """Opens an incident for every crash loop and closes it when its engine serves again or is no longer started."""

    def __init__(self, database: Database, leadership: Leadership, links: Links, clock: Clock) -> None:
        self._database = database
        self._leadership = leadership
        self._links = links
        self._clock = clock

    def run_once(self) -> int:
        """Look at all engines; returns how many incidents were opened or closed."""
        if not self._leadership.held():
            return 0
        now = self._clock.now()
        with self._database.transaction() as session:
            loops = crash_loops(engines.engines(session), now)
            standing = {loop.key: partial(_cause, session, loop) for loop in loops}
            return follow(session, MONITOR, standing, _OVER, self._links, now)


def _cause(session: Session, loop: CrashLoop) -> Cause:
    entry = ledger.newest_release(session, loop.generator)
    serves = entry is not None and entry.to_version == loop.version
    suspect = releases.of_entry(session, loop.generator, entry.seq) if serves and entry else None
    return Cause(
        generator=loop.generator,
        key=loop.key,
        title=f"Version {loop.version} of {loop.generator}: engines keep crashing on {loop.host}",
        monitor=MONITOR,
        reason=REASON,
        event="engines",
        summary=loop.summary,
        evidence=lambda: {"version": loop.version, "host": loop.host, "deaths": list(_told(loop.deaths))},
        # Of a version that does not serve, nothing is to be rolled back.
        suspect_version=loop.version if serves else None,
        suspect_release_id=suspect.id if suspect else None,
        suggested_target=last_known_good(chains.decisive(session, loop.generator)) if serves else None,
    )


def _told(deaths: Sequence[KnownEngine]) -> Iterator[dict[str, str | None]]:
    for each in deaths:
        yield {
            "engine": str(each.id),
            "started_at": each.started_at.isoformat(),
            "ready_at": each.ready_at.isoformat() if each.ready_at else None,
            "ended_at": each.heartbeat_at.isoformat(),
            "detail": each.detail,
        }
