"""Which baselines a version is held against. Pure: decided from the ledger and the list of baselines."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry.ledger import Entry, EntryKind
from safelight.store.baselines import KnownBaseline


@dataclass(frozen=True)
class References:
    """`own`: has the version changed since it was accepted? `previous`: is it worse than what it replaced?

    `first` tells a version that replaced nothing from one whose predecessors nobody made a baseline of; `outlived`
    one whose own baseline was seen by another embedder.
    """

    own: KnownBaseline | None
    previous: KnownBaseline | None
    first: bool
    outlived: bool = False

    @property
    def all(self) -> tuple[KnownBaseline, ...]:
        return tuple(baseline for baseline in (self.own, self.previous) if baseline is not None)


def references(
    version: int, ledger: Sequence[Entry], baselines: Sequence[KnownBaseline], embedder_digest: str
) -> References:
    """The newest baselines seen by the same embedder: the version's own, and that of the version it replaced.

    A version that nobody ever accepted has no baseline, and is passed over: the comparison then is with the one that
    served before it. `ledger` is the generator's chain, the oldest entry first, or what of it leads to the version.
    """
    newest: dict[int, KnownBaseline] = {}
    for baseline in sorted(baselines, key=lambda each: (each.created_at, each.id)):
        if baseline.embedder_digest == embedder_digest:
            newest[baseline.version] = baseline
    before = _served_before(version, ledger)
    replaced = (newest[number] for number in before if number in newest)
    own = newest.get(version)
    outlived = own is None and any(baseline.version == version for baseline in baselines)
    return References(own=own, previous=next(replaced, None), first=not before, outlived=outlived)


def _served_before(version: int, ledger: Sequence[Entry]) -> list[int]:
    """Other versions that served before the version's newest promote, the latest first.

    A rollback puts back what once was promoted: it is compared with what it replaced then, not with what failed now.
    What was never promoted, and has a canary's part of the traffic, is compared with what it is about to replace.
    """
    promotes = [i for i, entry in enumerate(ledger) if entry.kind is EntryKind.PROMOTE and entry.to_version == version]
    before = ledger[: promotes[-1]] if promotes else ledger
    return [entry.to_version for entry in reversed(before) if entry.to_version != version]
