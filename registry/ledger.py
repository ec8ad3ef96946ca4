"""The release ledger: who had what serve, since when and why, as a chain in which no entry can be changed unseen.

One chain per generator and scope. An entry says what *should* serve from its moment on; gateways converge on it.
This module decides what an entry is; the rows are kept elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from registry.digests import canonical_json, digest_of
from registry.errors import Kind, RegistryError

GENESIS = "sha256:" + "0" * 64
"""What the first entry names as the entry before it."""


class EntryKind(StrEnum):
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    ACCEPT = "accept"
    """The serving version has proven good: it becomes a target of later rollbacks."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An entry before it has its place in the chain."""

    generator: str
    scope: str
    kind: EntryKind
    from_version: int | None
    """What served before; None before the first promote."""
    to_version: int
    """What serves from now on; for an accept the same as ``from_version``."""
    to_digest: str
    """The bundle digest of ``to_version``, so that the chain seals what served and not only its number."""
    actor: str
    reason: str
    incident_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry(Draft):
    seq: int
    """1, 2, 3 ... within the chain."""
    at: datetime
    """Aware; kept in UTC. Never before the entry before it."""
    prev_hash: str
    hash: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _utc(self.at))  # so that one moment has one hash, in whatever zone it was read


class StaleServing(RegistryError):
    """What somebody acted on no longer serves."""

    kind: ClassVar[Kind] = Kind.CONFLICT

    def __init__(self, expected: int | None, current: int | None) -> None:
        seen, now = ("nothing" if version is None else f"version {version}" for version in (expected, current))
        super().__init__(
            "stale_expected_serving",
            f"You acted on a state in which {seen} served; now {now} does. Look again, then decide.",
        )
        self.current = current


class BreakReason(StrEnum):
    SEQUENCE = "sequence"
    """An entry is missing, doubled or out of order."""
    FOREIGN = "foreign"
    """The entry belongs to another generator or scope."""
    LINK = "link"
    """It does not name the hash of the entry before it."""
    HASH = "hash"
    """Its content is not what was hashed."""
    TIME = "time"
    """It is older than the entry before it."""
    SERVING = "serving"
    """What it says served before is not what the entry before it put in place."""
    HEAD = "head"
    """The chain ends elsewhere than at the head that was noted: entries at its end are gone, or were all rewritten."""
    ANCHOR = "anchor"
    """It is not the entry that an anchor noted: the chain was rewritten from here or from before."""


@dataclass(frozen=True)
class Break:
    seq: int
    """Of the first entry that does not hold; for a wrong head, of the last entry (0: there is none)."""
    reason: BreakReason


def append(tail: Entry | None, draft: Draft, at: datetime) -> Entry:
    """The entry that follows ``tail`` (None: the chain is empty). The caller stores it, under a unique ``seq``.

    A clock that was set back does not make the chain run backwards: the entry then takes its predecessor's time.
    Raises StaleServing when something else serves than the draft was made for; ValueError for a naive time or a tail of
    another chain.
    """
    at = _utc(at)
    current = None if tail is None else tail.to_version
    if draft.from_version != current:
        raise StaleServing(draft.from_version, current)
    if tail is None:
        return _sealed(draft, seq=1, at=at, prev_hash=GENESIS)
    if (tail.generator, tail.scope) != (draft.generator, draft.scope):
        raise ValueError("the tail belongs to another chain than the draft")
    return _sealed(draft, seq=tail.seq + 1, at=max(at, tail.at), prev_hash=tail.hash)


def verify(
    entries: Iterable[Entry],
    *,
    tail: Entry | None = None,
    head: str | None = None,
    anchors: Mapping[int, str] | None = None,
) -> Break | None:
    """The first place where a chain, oldest entry first, does not hold; None when it holds.

    ``tail`` is the entry before the first of them (None: it is the whole chain). A chain cut short at its end, or
    rewritten from some entry on, is a valid chain: only what was noted somewhere else uncovers that, be it ``head``,
    the hash of the last entry, or ``anchors``, the hashes of entries by their numbers.
    """
    noted = anchors or {}
    for entry in entries:
        reason = _breaks(tail, entry)
        if reason is None and noted.get(entry.seq, entry.hash) != entry.hash:
            reason = BreakReason.ANCHOR
        if reason is not None:
            return Break(entry.seq, reason)
        tail = entry
    last, newest = (0, GENESIS) if tail is None else (tail.seq, tail.hash)
    if head not in (None, newest) or max(noted, default=0) > last:
        return Break(last, BreakReason.HEAD)
    return None


def _breaks(tail: Entry | None, entry: Entry) -> BreakReason | None:
    if entry.seq != (1 if tail is None else tail.seq + 1):
        return BreakReason.SEQUENCE
    if tail is not None and (tail.generator, tail.scope) != (entry.generator, entry.scope):
        return BreakReason.FOREIGN
    if entry.prev_hash != (GENESIS if tail is None else tail.hash):
        return BreakReason.LINK
    if entry.hash != _hash(entry):
        return BreakReason.HASH
    if tail is not None and entry.at < tail.at:
        return BreakReason.TIME
    if entry.from_version != (None if tail is None else tail.to_version):
        return BreakReason.SERVING
    return None


def _sealed(draft: Draft, *, seq: int, at: datetime, prev_hash: str) -> Entry:
    entry = Entry(**asdict(draft), seq=seq, at=at, prev_hash=prev_hash, hash="")
    return replace(entry, hash=_hash(entry))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("an entry's time must be aware")
    return moment.astimezone(UTC)


def _hash(entry: Entry) -> str:
    content = asdict(entry)
    del content["hash"]
    content["at"] = entry.at.isoformat(timespec="microseconds")
    return digest_of(canonical_json(content))
