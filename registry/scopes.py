"""A release goes through scopes (regions, stages) in order, the first one leading: decided from what is observed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.ledger import EntryKind


@dataclass(frozen=True, kw_only=True)
class Lead:
    """What the first scope was last released to serve."""

    kind: EntryKind
    version: int
    serving_since: datetime | None
    """When it was observed to serve there; None while it is not yet."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One scope that follows, as its own ledger and its target show it."""

    scope: str
    desired: int | None
    """What its ledger says; None before its first entry."""
    serving_since: datetime | None
    """When `desired` was observed to serve there; None while it is not, as where the scope is cut off."""
    bake: timedelta
    """How long a version must have served there before the next scope follows."""


def to_follow(lead: Lead, bake: timedelta, following: Sequence[Standing], now: datetime) -> tuple[str, ...]:
    """The scopes that are to be given the lead's version now. ``bake`` is the first scope's.

    A promote comes to a scope when all those before it have been seen to serve it, each for its bake time: one that is
    cut off holds up those after it. A way back waits for nobody: every scope is told at once, also one that is cut off,
    which takes it when it returns.
    """
    behind = tuple(each.scope for each in following if each.desired != lead.version)
    if lead.kind is EntryKind.ROLLBACK:
        return behind
    ready = _baked(lead.serving_since, bake, now)
    for each in following:
        if not ready:
            return ()
        if each.desired != lead.version:
            return (each.scope,)
        ready = _baked(each.serving_since, each.bake, now)
    return ()


def _baked(since: datetime | None, bake: timedelta, now: datetime) -> bool:
    return since is not None and now - since >= bake
