"""What serves, since when, and what it is held against: the frame of every question of a tick."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.ledger import Entry, EntryKind
from registry.parameters import Defaults
from registry.rules import known_good
from safelight.store import baselines, engines, incidents, ledger, versions
from safelight.store.database import Session
from safelight.store.totals import Totals, totals
from safelight.watching.references import References, references
from safelight.watching.samples import SERVING_ARM

_LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True)
class Situation:
    """No window reaches behind `since`: what lies there was another version or another process, or was dealt with.

    `before` is what was usual: the last day of the version that the release replaced; None where it replaced nothing.
    """

    generator: str
    version: int
    ledger_seq: int
    since: datetime
    accepted: bool
    references: References
    before: Totals | None
    held: bool
    """Whether engines of ours hold it, or did a moment ago: then it can be probed."""


def situation(session: Session, generator: str, embedder_digest: str, at: datetime | None = None) -> Situation | None:
    """As it is, or as it was `at` a moment. None before the first promote: then there is nothing to watch."""
    chain = [entry for entry in ledger.chain(session, generator) if at is None or entry.at <= at]
    entry = next((entry for entry in reversed(chain) if entry.kind is not EntryKind.ACCEPT), None)
    if entry is None:
        return None
    known = [each for each in baselines.of_generator(session, generator) if at is None or each.created_at <= at]
    resolved = incidents.last_resolved(session, generator, at)
    restarted = engines.last_restart(session, generator, entry.to_version, at)
    return Situation(
        generator=generator,
        version=entry.to_version,
        ledger_seq=entry.seq,
        since=max(moment for moment in (entry.at, resolved, restarted) if moment is not None),
        accepted=entry.to_version in known_good(chain),
        references=references(entry.to_version, chain, known, embedder_digest),
        before=_before(session, entry, embedder_digest),
        held=engines.any_of(session, generator, entry.to_version),
    )


def _before(session: Session, entry: Entry, embedder_digest: str) -> Totals | None:
    if entry.from_version is None:
        return None
    start = entry.at - _LOOK_BACK
    return totals(session, entry.generator, entry.from_version, SERVING_ARM, embedder_digest, start, entry.at)


def defaults_of(session: Session, generator: str, version: int) -> Defaults | None:
    """What the version does when a request leaves a parameter out; None for a version that is not registered."""
    found = versions.find_version(session, generator, version)
    return found.manifest.defaults if found else None
