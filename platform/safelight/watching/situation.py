"""What serves, since when, and what it is held against: the frame of every question of a tick."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.ledger import EntryKind
from registry.parameters import Defaults
from registry.rules import known_good
from safelight.store import baselines, chains, engines, incidents, versions
from safelight.store.database import Session
from safelight.store.releases import KnownRelease
from safelight.store.totals import Totals, totals
from safelight.watching.references import References, references
from safelight.watching.samples import CANARY_ARM, SERVING_ARM

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
    arm: str = SERVING_ARM
    """Of the generations that are looked at: of what serves, or of what is tried on a part of the traffic."""


def situation(session: Session, generator: str, embedder_digest: str, at: datetime | None = None) -> Situation | None:
    """As it is, or as it was `at` a moment. None before the first promote: then there is nothing to watch."""
    upto = None if at is None else chains.number_at(session, generator, at)
    chain = chains.decisive(session, generator, upto=upto)
    entry = next((entry for entry in reversed(chain) if entry.kind is not EntryKind.ACCEPT), None)
    if entry is None:
        return None
    known = [each for each in baselines.of_generator(session, generator) if at is None or each.created_at <= at]
    leading = chains.leading_to(session, generator, entry.to_version, upto=upto)
    resolved = incidents.last_resolved(session, generator, at)
    restarted = engines.last_restart(session, generator, entry.to_version, at)
    return Situation(
        generator=generator,
        version=entry.to_version,
        ledger_seq=entry.seq,
        since=max(moment for moment in (entry.at, resolved, restarted) if moment is not None),
        accepted=entry.to_version in known_good(chain),
        references=references(entry.to_version, leading, known, embedder_digest),
        before=_before(session, generator, entry.from_version, entry.at, embedder_digest),
        held=engines.any_of(session, generator, entry.to_version),
    )


def situation_of_canary(session: Session, release: KnownRelease, began: datetime, embedder_digest: str) -> Situation:
    """Of a version that has had a part of the traffic since it `began`: it is watched as one that serves is.

    What was usual is the last day of the version that serves beside it. It is not probed: its judge compares it.
    """
    generator, version = release.generator, release.to_version
    chain = chains.decisive(session, generator)
    leading = chains.leading_to(session, generator, version)
    restarted = engines.last_restart(session, generator, version)
    return Situation(
        generator=generator,
        version=version,
        ledger_seq=chain[-1].seq,
        since=max(began, restarted or began),
        accepted=version in known_good(chain),
        references=references(version, leading, baselines.of_generator(session, generator), embedder_digest),
        before=_before(session, generator, release.from_version, began, embedder_digest),
        held=False,
        arm=CANARY_ARM,
    )


def _before(
    session: Session, generator: str, version: int | None, moment: datetime, embedder_digest: str
) -> Totals | None:
    if version is None:
        return None
    return totals(session, generator, version, SERVING_ARM, embedder_digest, moment - _LOOK_BACK, moment)


def defaults_of(session: Session, generator: str, version: int) -> Defaults | None:
    """What the version does when a request leaves a parameter out; None for a version that is not registered."""
    found = versions.find_version(session, generator, version)
    return found.manifest.defaults if found else None
