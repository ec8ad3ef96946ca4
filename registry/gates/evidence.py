"""What gates look at: everything that is known of one version at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from registry.ledger import Entry
from registry.manifest import Provenance


class Loading(StrEnum):
    """How far an engine has come with it."""

    UNTRIED = "untried"
    REFUSED = "refused"
    """Its files could not be pulled and verified."""
    FAILED = "failed"
    READY = "ready"


@dataclass(frozen=True)
class Engine:
    loading: Loading
    detail: str = ""
    """Why it was refused or has failed."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval, from ``n`` pairs."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Paired:
    """The version less the one that serves, over pairs of one prompt and seed. None where the pairs are too few to say.

    ``alignment`` is a cosine, ``broken_rate`` a share of all pairs, ``diversity`` a share of the serving version's
    score; ``latency`` and ``cost`` are ratios to the serving version's, less one.
    """

    against: int
    asked: int
    compared: int
    alignment: Interval | None
    broken_rate: Interval | None
    diversity: Interval | None
    latency: Interval | None
    cost: Interval | None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Paired":
        """From what `dataclasses.asdict` makes of one."""
        fields: dict[str, Any] = {
            name: Interval(**each) if isinstance(each, Mapping) else each for name, each in data.items()
        }
        return cls(**fields)


class NotPaired(StrEnum):
    """Why there is no pair to look at."""

    NOTHING_SERVES = "nothing_serves"
    NOT_YET = "not_yet"
    """They are made when the version is promoted."""
    UNDER_WAY = "under_way"
    NOT_MADE = "not_made"
    """They cannot be made, or were not finished in time."""


@dataclass(frozen=True)
class Unpaired:
    why: NotPaired
    detail: str = ""


@dataclass(frozen=True)
class Variant:
    """A version made from another to cost less. ``not_worse`` is what the newest trial of the two says: None where it
    could not tell, or where there was none (``statement`` is None then)."""

    parent: int | None
    not_worse: bool | None = None
    statement: str | None = None


@dataclass(frozen=True)
class Approval:
    """Somebody looked at the version and takes it."""

    by: str
    at: datetime
    note: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """``promoter`` asks for the promote, or would; ``variant`` is None for a version that is none."""

    external: bool
    engine: Engine
    quarantined: Entry | None
    """The rollback that took production away from it; None: it is not quarantined."""
    provenance: Provenance | None
    paired: Paired | Unpaired
    variant: Variant | None
    author: str
    promoter: str
    approvals: Sequence[Approval]
