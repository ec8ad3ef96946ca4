"""MLflow's alias `production`: a projection of the ledger, written by us and put back when somebody else moves it."""

import logging

from registry.versions import VersionStore
from safelight.clock import Clock
from safelight.store import access, ledger, versions
from safelight.store.database import Database

logger = logging.getLogger(__name__)


class AliasProjection:
    """Keeps the alias of every generator at what the ledger says should serve."""

    def __init__(self, database: Database, store: VersionStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._written: dict[str, int] = {}

    def project(self) -> int:
        """Move every alias that points elsewhere; returns how many. A move by somebody else is put on the audit log."""
        with self._database.reading() as session:
            wanted = {
                generator.name: entry.to_version
                for generator in versions.generators(session)
                if (entry := ledger.newest_release(session, generator.name)) is not None
            }
        return sum(self._put(generator, version) for generator, version in wanted.items())

    def _put(self, generator: str, version: int) -> bool:
        found = self._store.production(generator)
        if found == version:
            self._written[generator] = version
            return False
        # Once we wrote it, only somebody else can have moved it away while the ledger stood still.
        edited = self._written.get(generator) == version
        self._store.set_production(generator, version)
        self._written[generator] = version
        if edited:
            logger.warning("alias production of %s was moved to %s by somebody else; put back", generator, found)
            with self._database.transaction() as session:
                access.record_audit(
                    session,
                    self._clock.now(),
                    "safelight",
                    "alias.put_back",
                    generator,
                    f"the alias production was moved to version {found} outside Safelight; put back to {version}",
                )
        return True
