"""Whether a version may be gone back to without asking anybody. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from registry.ledger import Entry, EntryKind
from registry.rules import last_known_good

FLAP = timedelta(days=1)
"""Two versions that take turns within this time are not the cause: what they run on is, or what people ask for."""


class Fitness(StrEnum):
    """What speaks against a version as the one to go back to, the gravest first."""

    QUARANTINED = "quarantined"
    CHANGED = "changed"
    """What is registered under its number is not what served."""
    UNVERIFIED = "unverified"
    """Its last drill failed."""
    FLAPS = "flaps"
    """Production was taken away from it a short time ago."""
    FIT = "fit"


def fitness(
    entries: Sequence[Entry],
    version: int,
    *,
    digest: str | None,
    quarantined: Collection[int],
    unverified: Collection[int],
    now: datetime,
) -> Fitness:
    """`digest` is what is registered as the version today; None where nothing is. `entries` are one whole chain."""
    if version in quarantined:
        return Fitness.QUARANTINED
    served = next((entry.to_digest for entry in reversed(entries) if entry.to_version == version), None)
    if digest is None or served != digest:
        return Fitness.CHANGED
    if version in unverified:
        return Fitness.UNVERIFIED
    left = (entry for entry in entries if entry.kind == EntryKind.ROLLBACK and entry.from_version == version)
    return Fitness.FLAPS if any(now - entry.at < FLAP for entry in left) else Fitness.FIT


def target(entries: Sequence[Entry], unfit: Collection[int]) -> int | None:
    """The version to suggest: the last known good that nothing speaks against, or else the last known good."""
    found = last_known_good(entries, excluding=unfit)
    return last_known_good(entries) if found is None else found
