"""Where a generator's requests go: a snapshot of what serves, of what is tried beside it, and of the engines. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from registry.canary import CanaryStep, Sticky, is_drawn
from registry.ledger import Entry
from safelight.recording.generation import Arm
from safelight.serving.request import GenerationRequest
from safelight.store.canaries import KnownCanary
from safelight.store.engines import KnownEngine
from safelight.store.releases import KnownRelease
from safelight.store.versions import KnownVersion


@dataclass(frozen=True)
class CanaryRoute:
    """A version that takes a part of the traffic, and the engines that hold it ready.

    `salt` draws who is in that part: another canary draws others.
    """

    version: KnownVersion
    engines: tuple[KnownEngine, ...]
    step: CanaryStep
    sticky: Sticky
    salt: str

    def takes(self, request: GenerationRequest) -> bool:
        """Whether a request is among those that go to it. Without an engine it takes none."""
        return bool(self.engines) and is_drawn(self.salt, _subject(request, self.sticky), self.step.weight)

    def shadows(self, generation_id: UUID) -> bool:
        """Whether an image that was made is to be made on it as well."""
        return bool(self.engines) and is_drawn(self.salt, str(generation_id), self.step.shadow)


@dataclass(frozen=True)
class Route:
    """The version that serves, the ledger entry that says so, and the engines that hold it ready."""

    version: KnownVersion
    ledger_seq: int
    engines: tuple[KnownEngine, ...]
    canary: CanaryRoute | None = None

    def arm_of(self, request: GenerationRequest) -> Arm:
        """Where a person's request goes."""
        return Arm.CANARY if self.canary is not None and self.canary.takes(request) else Arm.STABLE

    def holders_of(self, arm: Arm) -> tuple[KnownVersion, tuple[KnownEngine, ...]]:
        """The version that makes the images of an arm, and its engines."""
        if arm is Arm.CANARY and self.canary is not None:
            return self.canary.version, self.canary.engines
        return self.version, self.engines


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
    canaries: Collection[tuple[KnownRelease, KnownCanary]] = (),
) -> RoutingTable:
    """`heads`: the entry that put in place what serves, for every generator; `engines`: those ready and alive;
    `canaries`: those that run."""

    def holders(generator: str, version: int) -> tuple[KnownEngine, ...]:
        return tuple(each for each in engines if (each.generator, each.version) == (generator, version))

    def canary(release: KnownRelease, known: KnownCanary) -> CanaryRoute:
        held, version = holders(release.generator, release.to_version), versions[release.generator, release.to_version]
        return CanaryRoute(version, held, known.at, known.plan.sticky, str(release.id))

    tried = {release.generator: canary(release, known) for release, known in canaries}

    def route(generator: str, head: Entry) -> Route:
        version = versions[generator, head.to_version]
        return Route(version, head.seq, holders(generator, head.to_version), tried.get(generator))

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


def _subject(request: GenerationRequest, sticky: Sticky) -> str:
    """What is drawn: requests of one user or key all go one way. End users are known by the key that names them."""
    key = str(request.api_key_id or "")
    if sticky is Sticky.USER and request.end_user is not None:
        return f"user {key} {request.end_user}"
    if sticky is Sticky.KEY and key:
        return f"key {key}"
    return f"request {request.id}"
