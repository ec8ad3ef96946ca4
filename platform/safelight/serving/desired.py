"""Which versions a host should hold loaded, decided from the ledger and the open releases. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from registry.ledger import Entry
from registry.rules import last_known_good, serving
from safelight.store.residency import Residency


class Bundle(NamedTuple):
    """A version by name, and where it is to be. `spare`: a second engine of it, loaded afresh beside the first."""

    generator: str
    version: int
    spare: bool = False
    residency: Residency = Residency.DEVICE

    @property
    def on_device(self) -> "Bundle":
        return self._replace(residency=Residency.DEVICE)


def wanted(
    entries: Sequence[Entry], targets: Iterable[int], keep_warm: int, elsewhere: Collection[int] = ()
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The versions of one generator to hold, each tuple's most important first; never one that is served `elsewhere`.

    Needed: what serves, then what open releases are about to make serve. To wait beside them: up to `keep_warm` more
    to go back to, the last known good before what served most recently.
    """
    now = serving(entries)
    asked = [*([] if now is None else [now]), *targets]
    needed = [version for version in dict.fromkeys(asked) if version not in elsewhere]
    good = last_known_good(entries)
    earlier = [*([] if good is None else [good]), *(entry.to_version for entry in reversed(entries))]
    warm = [version for version in dict.fromkeys(earlier) if version not in {*needed, *elsewhere}]
    return tuple(needed), tuple(warm[:keep_warm])


@dataclass(frozen=True)
class Changes:
    """What brings a host nearer to what it should hold."""

    start: tuple[Bundle, ...]
    retire: frozenset[Bundle]


def changes(wanted_now: Sequence[Bundle], held: Collection[Bundle], resting: Collection[Bundle]) -> Changes:
    """What to start and what to retire.

    An engine counts as `held` until its process has ended, so a host never has more of them than it wants: what is
    retired makes room first. `resting` versions failed a moment ago and are not started yet.
    """
    room = max(len(wanted_now) - len(held), 0)
    missing = [bundle for bundle in wanted_now if bundle not in held and bundle not in resting]
    return Changes(tuple(missing[:room]), frozenset(held) - frozenset(wanted_now))


def rest_seconds(failures: int) -> float:
    """How long to wait before an engine is started again that has failed so many times in a row.

    The first time not at all: a crash under load should cost no more than loading takes.
    """
    return 0.0 if failures <= 1 else float(min(2 ** (failures - 2), 300))


def may_trust_unchanged(bundle: Bundle, failures: int) -> bool:
    """Whether an engine may be made from files that were verified before and have not changed, without reading them.

    Not for a drill, which is to show that they are whole; nor after a second failure in a row: they may be the reason.
    """
    return not bundle.spare and failures <= 1
