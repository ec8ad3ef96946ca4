"""The routing table as it stands now: read from the store all the time, and told back to it."""

import asyncio
import logging
import threading
from contextlib import suppress
from datetime import timedelta

from safelight.clock import Clock
from safelight.serving.routing import RoutingTable, routing_table
from safelight.store import canaries, engines, ledger, releases, versions
from safelight.store.changes import Changes
from safelight.store.database import Database, Session
from safelight.store.versions import KnownVersion

logger = logging.getLogger(__name__)

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

    When the database is away the last table stays in force.
    """

    def __init__(self, database: Database, gateway_id: str, clock: Clock) -> None:
        """`gateway_id` is unique among all gateways, so that a release can wait for each of them."""
        self._database = database
        self._changes = Changes(database)
        self._gateway_id = gateway_id
        self._clock = clock
        self._table = RoutingTable({})
        self._known: dict[tuple[str, int], KnownVersion] = {}
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
            tried = canaries.running(session)
            for name, head in heads.items():
                if head is not None:
                    self._know(session, name, head.to_version)
            for release, _ in tried:
                self._know(session, release.generator, release.to_version)
            return routing_table(heads, self._known, engines.ready(session, self._clock.now() - ALIVE), tried)

    def _know(self, session: Session, generator: str, version: int) -> None:
        if (generator, version) not in self._known:
            self._known[generator, version] = versions.require_version(session, generator, version)

    def _report(self, heads: dict[str, int]) -> None:
        now = self._clock.now()
        with self._database.transaction() as session:
            for generator, seq in heads.items():
                releases.report_gateway(session, self._gateway_id, generator, seq, now)
