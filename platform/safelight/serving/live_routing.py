"""The routing table as it stands now: read from the store all the time, and told back to it."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from safelight.clock import Clock
from safelight.serving.routing import RoutingTable, routing_table
from safelight.store import canaries, engines, ledger, releases, versions
from safelight.store.canaries import KnownCanary
from safelight.store.changes import Changes
from safelight.store.database import Database, Session, StoreError
from safelight.store.releases import CANARIES, KnownRelease
from safelight.store.versions import KnownVersion

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

LOOK_SECONDS = 0.05
"""Between two looks at the ledger's heads: where one has moved, all is read at once."""
REFRESHED_EVERY = 10
"""Looks, with or without. Engines come and go, and canaries grow."""
REPORT_SECONDS = 2.0
ALIVE = timedelta(seconds=10)
"""An engine whose last heartbeat is older gets no requests. Long against the second between two of them: a host that is
held up must not cost requests, and an engine that is gone shows by refusing the connection."""


class LiveRouting:
    """Converges on the ledger within a tenth of a second, on engines and canaries within six.

    When the database is away the last table stays in force, and where a version cannot be read, as one that a later
    release wrote, its generator is routed as before. A canary that cannot be read takes no traffic.
    """

    def __init__(self, database: Database, gateway_id: str, clock: Clock) -> None:
        """`gateway_id` is unique among all gateways, so that a release can wait for each of them."""
        self._database = database
        self._changes = Changes(database)
        self._gateway_id = gateway_id
        self._clock = clock
        self._table = RoutingTable({})
        self._known: dict[tuple[str, int], KnownVersion] = {}
        self._unreadable: set[str] = set()
        self._swapped = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._reported: dict[str, int] = {}
        self._reported_at = float("-inf")

    @property
    def table(self) -> RoutingTable:
        return self._table

    async def run(self) -> None:
        """Refresh for ever."""
        away = False
        while True:
            try:
                await self.refresh()
                away = False
                await self._wait_until_moved()
            except Exception:  # a gateway that no longer looked would send people the old way for ever
                if not away:
                    logger.warning("what serves cannot be read; routing stays as it is", exc_info=True)
                away = True
                await asyncio.sleep(LOOK_SECONDS)

    async def _wait_until_moved(self) -> None:
        """Look until an entry was written, or often enough; to hand a thread each look would cost as much again."""
        stop = threading.Event()
        try:
            await asyncio.to_thread(self._look, stop)
        finally:
            stop.set()

    def _look(self, stop: threading.Event) -> None:
        for _ in range(REFRESHED_EVERY):
            if stop.wait(LOOK_SECONDS) or (self._changes.happened() and self._has_moved()):
                return

    def _has_moved(self) -> bool:
        with self._database.reading() as session:
            newest = ledger.newest_releases(session)
        return any(self._table.ledger_heads.get(generator) != entry.seq for generator, entry in newest.items())

    async def refresh(self) -> None:
        """Read the store now, route by it, and report it where that is due. Raises StoreError."""
        async with self._refreshing:  # an earlier read must not replace a later one
            self._table = await asyncio.to_thread(self._read)
            swapped, self._swapped = self._swapped, asyncio.Event()
            swapped.set()
            # Only now: whoever reads the report relies on no request going the old way any more.
            heads = self._table.ledger_heads
            now = self._clock.monotonic()
            if heads != self._reported or now - self._reported_at >= REPORT_SECONDS:
                await asyncio.to_thread(self._report, heads)
                self._reported, self._reported_at = heads, now

    async def wait_for_refresh(self, seconds: float) -> None:
        """Return after the next refresh, at the latest after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._swapped.wait()

    def _read(self) -> RoutingTable:
        with self._database.reading() as session:
            newest = ledger.newest_releases(session)
            heads = {generator.name: newest.get(generator.name) for generator in versions.generators(session)}
            as_before = {
                name: self._table.routes.get(name)
                for name, head in heads.items()
                if head is not None and not self._knows(session, name, head.to_version)
            }
            tried = [
                (release, canary)
                for release in releases.in_states(session, CANARIES)
                if (canary := self._canary(session, release)) is not None
            ]
            ready = engines.ready(session, self._clock.now() - ALIVE)
        table = routing_table({name: heads[name] for name in heads.keys() - as_before}, self._known, ready, tried)
        return RoutingTable({**table.routes, **as_before})

    def _knows(self, session: Session, generator: str, version: int) -> bool:
        if (generator, version) not in self._known:
            found = self._read_one(
                f"version {version} of {generator}", lambda: versions.require_version(session, generator, version)
            )
            if found is None:
                return False
            self._known[generator, version] = found
        return True

    def _canary(self, session: Session, release: KnownRelease) -> KnownCanary | None:
        if not self._knows(session, release.generator, release.to_version):
            return None
        return self._read_one(f"the canary of release {release.id}", lambda: canaries.find(session, release.id))

    def _read_one(self, what: str, read: Callable[[], _T]) -> _T | None:
        """None for what cannot be read, which is said once: all else is routed as ever. Raises StoreError."""
        try:
            found = read()
        except StoreError:
            raise
        except Exception:
            if what not in self._unreadable:
                logger.exception("%s cannot be read; nothing is routed by it", what)
            self._unreadable.add(what)
            return None
        self._unreadable.discard(what)
        return found

    def _report(self, heads: dict[str, int]) -> None:
        now = self._clock.now()
        with self._database.transaction() as session:
            for generator, seq in heads.items():
                releases.report_gateway(session, self._gateway_id, generator, seq, now)
