"""What an engine host is to hold: what the ledger and open work ask for, or one version that it is told."""

from dataclasses import dataclass
from typing import Protocol

from registry.ledger import Entry
from registry.progress import State
from safelight.serving.desired import Bundle, wanted
from safelight.store import baseline_jobs, chains, generation_replays, probes, releases, versions
from safelight.store.database import Database, Session

_TARGETS = (State.REQUESTED, State.PREPARING, State.VERIFYING, *releases.CANARIES, State.FLIPPING)


@dataclass(frozen=True)
class Wanted:
    """`needed` must be on the device; `waiting` is to be gone back to. The most important first."""

    needed: list[Bundle]
    waiting: list[Bundle]


class Wants(Protocol):
    """Asked at every look of a host."""

    def look(self) -> Wanted:
        """Raises StoreError."""
        ...


class WantedByLedger:
    """What serves, what open releases are about to make serve, and what probes and replays are to be made on."""

    def __init__(self, database: Database, keep_warm: int, host: str) -> None:
        """`host` is the name that probes are ordered of a machine by."""
        self._database = database
        self._keep_warm = keep_warm
        self._host = host
        self._decisive: dict[str, list[Entry]] = {}

    def look(self) -> Wanted:
        with self._database.reading() as session:
            targets = releases.in_states(session, _TARGETS)
            needed: list[Bundle] = []
            waiting: list[Bundle] = []
            for generator in versions.generators(session):
                now, later = wanted(
                    self._entries(session, generator.name),
                    [release.to_version for release in targets if release.generator == generator.name],
                    self._keep_warm,
                    versions.external(session, generator.name),
                )
                needed += [Bundle(generator.name, version) for version in now]
                waiting += [Bundle(generator.name, version) for version in later]
            # Probes ordered of a version are a reason to hold it for as long as they last.
            probed = [Bundle(*each) for each in probes.to_be_held(session, self._host)]
            replayed = [Bundle(*each) for each in baseline_jobs.to_be_held(session)]
            replayed += [Bundle(*each) for each in generation_replays.to_be_held(session)]
        needed = list(dict.fromkeys([*needed, *probed, *replayed]))
        return Wanted(needed, [bundle for bundle in waiting if bundle not in needed])

    def _entries(self, session: Session, generator: str) -> list[Entry]:
        """Read anew where one was added, and only there: a ledger does nothing but grow."""
        head, known = chains.head(session, generator), self._decisive.get(generator, [])
        if head is not None and (not known or known[-1].seq != head.seq):
            self._decisive[generator] = known = chains.decisive(session, generator)
        return known


class WantedAlone:
    """One version, whatever the ledger says, until it is no longer needed: somebody else decides where it is held."""

    def __init__(self, bundle: Bundle) -> None:
        self._needed = [bundle]

    def look(self) -> Wanted:
        return Wanted(list(self._needed), [])

    def no_longer(self) -> None:
        self._needed = []
