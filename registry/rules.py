"""The rules of a release, decided from the ledger alone.

``entries`` are one whole chain, the oldest first. No rule looks further back than to when each version was last
promoted, rolled back to, accepted, rolled away from, and that because of an incident: those may stand for the chain.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from registry.errors import Kind, RegistryError
from registry.ledger import Entry, EntryKind, StaleServing
from registry.progress import State


class ReleaseCode(StrEnum):
    UNKNOWN_VERSION = "unknown_version"
    ALREADY_SERVING = "already_serving"
    NOTHING_SERVING = "nothing_serving"
    NOTHING_TO_ROLL_BACK_TO = "nothing_to_roll_back_to"
    NEVER_SERVED = "never_served"
    ALREADY_ACCEPTED = "already_accepted"
    QUARANTINED = "quarantined"


class ReleaseRefused(RegistryError):
    kind: ClassVar[Kind] = Kind.CONFLICT


class UnknownTarget(ReleaseRefused):
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True)
class Plan:
    """What a release will do, as long as ``from_version`` serves: check that again when the entry is written."""

    kind: EntryKind
    from_version: int | None
    to_version: int
    path: tuple[State, ...]
    """The states it will go through, up to the last one that it reaches by itself."""


def serving(entries: Sequence[Entry]) -> int | None:
    """The version that should serve; None before the first promote."""
    return entries[-1].to_version if entries else None


def known_good(entries: Sequence[Entry]) -> frozenset[int]:
    """The versions that were accepted, and not rolled away from since."""
    good: set[int] = set()
    for entry in entries:
        if entry.kind == EntryKind.ACCEPT:
            good.add(entry.to_version)
        elif entry.kind == EntryKind.ROLLBACK and entry.from_version is not None:
            good.discard(entry.from_version)
    return frozenset(good)


def quarantined(entries: Sequence[Entry]) -> Mapping[int, Entry]:
    """The versions that production was taken away from because of an incident, each with the rollback that did it last.

    Only serving again, by override, and being accepted then ends it.
    """
    held: dict[int, Entry] = {}
    for entry in entries:
        if entry.kind == EntryKind.ACCEPT:
            held.pop(entry.to_version, None)
        elif entry.kind == EntryKind.ROLLBACK and entry.incident_id is not None and entry.from_version is not None:
            held[entry.from_version] = entry
    return held


def last_known_good(entries: Sequence[Entry], *, excluding: Collection[int] = ()) -> int | None:
    """The known good version that served most recently, other than the one that serves now."""
    candidates = known_good(entries) - {serving(entries), *excluding}
    return next((entry.to_version for entry in reversed(entries) if entry.to_version in candidates), None)


def plan_promote(
    entries: Sequence[Entry],
    version: int,
    *,
    registered: Collection[int],
    elsewhere: Collection[int] = (),
    expected_serving: int | None = None,
) -> Plan:
    """``expected_serving`` is what the asker saw serving; None leaves that unchecked.

    A version in ``elsewhere`` (served by somebody else's service) has nothing to load, and flips at once.
    Raises StaleServing, ReleaseRefused.
    """
    current = serving(entries)
    _check_expected(current, expected_serving)
    _check_target(current, version, registered)
    flip = (State.FLIPPING, State.SERVING)
    path = flip if version in elsewhere else (State.PREPARING, State.VERIFYING, *flip)
    return Plan(EntryKind.PROMOTE, current, version, path)


def plan_rollback(
    entries: Sequence[Entry],
    to: int | None = None,
    *,
    registered: Collection[int],
    warm: Collection[int] = (),
    expected_serving: int | None = None,
) -> Plan:
    """``to`` None means the last known good. A target in ``warm`` (loaded) flips at once.

    Raises StaleServing, ReleaseRefused.
    """
    current = serving(entries)
    _check_expected(current, expected_serving)
    if current is None:
        raise ReleaseRefused(ReleaseCode.NOTHING_SERVING, "Nothing serves yet. Promote a version first.")
    if to is None:
        gone = {entry.to_version for entry in entries} - set(registered)
        to = last_known_good(entries, excluding=gone)
        if to is None:
            raise ReleaseRefused(
                ReleaseCode.NOTHING_TO_ROLL_BACK_TO,
                f"No version but {current} has been accepted and is still good. Name the version to roll back to.",
            )
    _check_target(current, to, registered)
    if all(entry.to_version != to for entry in entries):
        raise ReleaseRefused(
            ReleaseCode.NEVER_SERVED,
            f"Version {to} has never served here, so there is no going back to it. Promote it instead.",
        )
    if to in quarantined(entries):
        raise ReleaseRefused(
            ReleaseCode.QUARANTINED,
            f"Version {to} is in quarantine: production was taken away from it because of an incident. An admin can "
            "promote it by override, with a reason.",
        )
    flip = (State.FLIPPING, State.SERVING)
    return Plan(EntryKind.ROLLBACK, current, to, flip if to in warm else (State.PREPARING, *flip))


def plan_accept(entries: Sequence[Entry], *, expected_serving: int | None = None) -> Plan:
    """Accept what serves. Raises StaleServing, ReleaseRefused."""
    current = serving(entries)
    _check_expected(current, expected_serving)
    if current is None:
        raise ReleaseRefused(ReleaseCode.NOTHING_SERVING, "Nothing serves yet. Promote a version first.")
    if current in known_good(entries):
        raise ReleaseRefused(
            ReleaseCode.ALREADY_ACCEPTED, f"Version {current} is accepted already. Nothing is to be done."
        )
    return Plan(EntryKind.ACCEPT, current, current, (State.ACCEPTED,))


def _check_expected(current: int | None, expected: int | None) -> None:
    if expected is not None and expected != current:
        raise StaleServing(expected, current)


def _check_target(current: int | None, version: int, registered: Collection[int]) -> None:
    if version not in registered:
        raise UnknownTarget(
            ReleaseCode.UNKNOWN_VERSION,
            f"There is no version {version}. Look at the list of versions and name one of those.",
        )
    if version == current:
        raise ReleaseRefused(ReleaseCode.ALREADY_SERVING, f"Version {version} serves already. Nothing is to be done.")
