"""One replica of a version's deployment: an engine host that holds this version alone, wherever it was put."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from safelight.serving.cluster import least_of
from safelight.serving.desired import Bundle
from safelight.serving.host import DRAIN_AT_MOST, STOP_WITHIN, EngineHost
from safelight.serving.wants import WantedAlone, Wants
from safelight.settings import RaySettings
from safelight.store.database import StoreError

logger = logging.getLogger(__name__)

END_WITHIN = DRAIN_AT_MOST + STOP_WITHIN + 10.0
"""Seconds that a replica may take to answer what it was given and to end."""
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Load:
    """What a replica tells of itself: its unanswered images, and how many replicas its version should have at least."""

    unanswered: int
    least: int


class Replica:
    """Gateways reach its engine directly: it is a row of the store like that of any other host."""

    def __init__(
        self, host: EngineHost, alone: WantedAlone, bundle: Bundle, ledger: Wants, settings: RaySettings
    ) -> None:
        """`host` holds what `alone` says."""
        self._host = host
        self._alone = alone
        self._bundle = bundle
        self._ledger = ledger
        self._settings = settings
        self._least = settings.warm_replicas
        self._stop = threading.Event()
        self._thread = threading.Thread(target=host.run, args=(self._stop,), name="engine-host", daemon=True)

    async def start(self) -> None:
        """Returns when the engine is ready, or could not be loaded at the first try: its host goes on trying then."""
        self._thread.start()
        await asyncio.to_thread(self._wait_until, lambda: self._host.settled)

    @property
    def alive(self) -> bool:
        """Whether anybody still looks after the engine."""
        return self._thread.is_alive()

    async def load(self) -> Load:
        try:
            self._least = least_of(self._bundle, await asyncio.to_thread(self._ledger.look), self._settings)
        except StoreError:
            logger.warning("the database does not answer; the number of replicas stays as it is")
        return Load(self._host.unanswered, self._least)

    async def end(self) -> None:
        """Take no more images, answer those there are, and end the engine."""
        self._alone.no_longer()
        await asyncio.to_thread(self._wait_until, lambda: self._host.empty)
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition() and self.alive:
            self._stop.wait(_LOOK_SECONDS)
