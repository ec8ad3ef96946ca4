"""Anchors: what the head of a chain was at a moment, noted where whoever can rewrite the chain cannot reach.

The chain alone shows that no entry was changed by itself. Whoever may write all of its rows can cut it short or write
it anew from some entry on; against that stands a note of its hashes that they cannot change.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from registry.digests import canonical_json
from registry.ledger import BreakReason, Entry


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """At ``at`` the chain of a generator and scope ended with entry ``seq``, of this hash."""

    generator: str
    scope: str
    seq: int
    hash: str
    at: datetime

    @property
    def chain(self) -> tuple[str, str]:
        return self.generator, self.scope


def anchored(head: Entry, at: datetime) -> Anchor:
    return Anchor(generator=head.generator, scope=head.scope, seq=head.seq, hash=head.hash, at=at)


def breaks(anchor: Anchor, entry: Entry | None) -> BreakReason | None:
    """Whether the entry that stands at an anchor's place today (None: there is none) is still the one it noted."""
    if entry is None:
        return BreakReason.HEAD
    return None if entry.hash == anchor.hash else BreakReason.ANCHOR


def newest(anchors: Iterable[Anchor]) -> dict[tuple[str, str], Anchor]:
    """The last one noted of each chain."""
    return {anchor.chain: anchor for anchor in anchors}


def to_line(anchor: Anchor) -> str:
    """One line of JSON, without its end."""
    return canonical_json(asdict(anchor) | {"at": anchor.at.isoformat()}).decode()


def from_line(line: str) -> Anchor:
    """Raises ValueError for what ``to_line`` did not write."""
    try:
        told = json.loads(line)
        at = datetime.fromisoformat(told.pop("at"))
        anchor = Anchor(at=at, **told)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("it is no anchor") from error
    words = (anchor.generator, anchor.scope, anchor.hash)
    if at.tzinfo is None or type(anchor.seq) is not int or not all(isinstance(word, str) for word in words):
        raise ValueError("it is no anchor")
    return anchor
