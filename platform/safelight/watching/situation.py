"""What serves, since when, and what it is held against: the frame of every question of a tick."""

from dataclasses import dataclass
from datetime import datetime

from registry.parameters import Defaults
from registry.rules import known_good
from safelight.store import baselines, incidents, ledger, versions
from safelight.store.database import Session
from safelight.watching.references import References, references


@dataclass(frozen=True)
class Situation:
    """No window reaches behind `since`: what lies there was another version, or has been dealt with."""

    generator: str
    version: int
    ledger_seq: int
    since: datetime
    accepted: bool
    references: References


def situation(session: Session, generator: str, embedder_digest: str) -> Situation | None:
    """None before the first promote: then there is nothing to watch."""
    entry = ledger.newest_release(session, generator)
    if entry is None:
        return None
    resolved = incidents.last_resolved(session, generator)
    chain, known = ledger.chain(session, generator), baselines.of_generator(session, generator)
    return Situation(
        generator=generator,
        version=entry.to_version,
        ledger_seq=entry.seq,
        since=max(entry.at, resolved) if resolved else entry.at,
        accepted=entry.to_version in known_good(chain),
        references=references(entry.to_version, chain, known, embedder_digest),
    )


def defaults_of(session: Session, generator: str, version: int) -> Defaults | None:
    """What the version does when a request leaves a parameter out; None for a version that is not registered."""
    found = versions.find_version(session, generator, version)
    return found.manifest.defaults if found else None
