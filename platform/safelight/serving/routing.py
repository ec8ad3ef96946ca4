"""Where a generator's requests go: a snapshot of what serves and of the engines that hold it. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from registry.ledger import Entry
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion


@dataclass(frozen=True)
class Route:
    """The version that serves, the ledger entry that says so, and the engines that hold it ready."""

    version: KnownVersion
    ledger_seq: int
    engines: tuple[KnownEngine, ...]


@dataclass(frozen=True)
class RoutingTable:
    """`routes` by generator; a generator that is known but has no version serving maps to None."""

    routes: Mapping[str, Route | None]

    @property
    def ledger_heads(self) -> dict[str, int]:
        """The ledger entry each generator is routed by."""
        return {name: route.ledger_seq for name, route in self.routes.items() if route is not None}


class Routing(Protocol):
    """Where the routing table comes from."""

    @property
    def table(self) -> RoutingTable: ...

    async def run(self) -> None:
        """Keep the table fresh until cancelled."""
        ...

    async def refresh(self) -> None:
        """Read it anew now."""
        ...

    async def wait_for_refresh(self, seconds: float) -> None:
        """Return after the next refresh, at the latest after `seconds`."""
        ...


def routing_table(
    heads: Mapping[str, Entry | None],
    versions: Mapping[tuple[str, int], KnownVersion],
    engines: Collection[KnownEngine],
) -> RoutingTable:
    """`heads`: the entry that put in place what serves, for every generator; `engines`: those ready and alive."""

    def route(generator: str, head: Entry) -> Route:
        holders = (each for each in engines if (each.generator, each.version) == (generator, head.to_version))
        return Route(versions[generator, head.to_version], head.seq, tuple(holders))

    return RoutingTable({name: None if head is None else route(name, head) for name, head in heads.items()})


@dataclass(frozen=True)
class Usage:
    """What this gateway knows of the engines beyond the store. By engine id."""

    in_flight: Mapping[UUID, int]
    failed_at_heartbeat: Mapping[UUID, object]
    """The heartbeat an engine had when it dropped a request: it is left alone until there is a newer one."""
    most_in_flight: int
    """Images that one engine is given at a time: enough for its next batch, and the rest can still go elsewhere."""


class Unavailable(Enum):
    """Why there is no engine to give an image to."""

    NONE_READY = auto()
    ALL_BUSY = auto()


def choose(engines: Iterable[KnownEngine], usage: Usage) -> KnownEngine | Unavailable:
    """The engine with the fewest requests in flight, the oldest among equals."""
    trusted = [each for each in engines if usage.failed_at_heartbeat.get(each.id) != each.heartbeat_at]
    if not trusted:
        return Unavailable.NONE_READY
    idlest = min(trusted, key=lambda each: usage.in_flight.get(each.id, 0))
    return Unavailable.ALL_BUSY if usage.in_flight.get(idlest.id, 0) >= usage.most_in_flight else idlest
