"""The gateway: from a request to recorded images, by way of an engine that holds what serves."""

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from registry.parameters import GenerationParameters, ParameterError, Requested
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.recording.generation import Generation, Outcome
from safelight.serving.attempt import Attempt, describe, failure_of
from safelight.serving.dispatch import EngineClient, EngineLost, EngineRefused, EngineUnreached
from safelight.serving.request import Generated, GenerationRequest
from safelight.serving.routing import Route, RoutingTable, Usage, choose
from safelight.serving.wire import Facts
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion

DEFER = 5.0
"""Seconds for which an image that nobody waits for lets people's requests go first."""
MAX_BREAKDOWNS = 3
"""A request that was on three engines when they broke down is given no fourth."""


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


class Log(Protocol):
    """Where generations are recorded."""

    async def record(self, generation: Generation, image: bytes | None) -> object:
        """Return once the generation is durable."""
        ...


@dataclass(frozen=True)
class GatewayLimits:
    """`max_in_flight` images at once; seconds for one image, and of waiting for an engine to be ready."""

    max_in_flight: int
    request_seconds: float
    patience_seconds: float = 30.0


class Gateway:
    """Every outcome is recorded before it is answered: served, filtered, failed, cancelled.

    A request that was on an engine when it broke down is made again elsewhere: nobody has been told of it yet.
    """

    def __init__(
        self, *, routing: Routing, engines: EngineClient, log: Log, limits: GatewayLimits, clock: Clock
    ) -> None:
        self._routing = routing
        self._engines = engines
        self._log = log
        self._limits = limits
        self._clock = clock
        self._in_flight: Counter[UUID] = Counter()
        self._admitted = 0
        self._failed_at: dict[UUID, datetime] = {}
        self._last_dispatch: dict[tuple[str, int], datetime] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the ledger. Raises StoreError when it cannot be read at first."""
        await self._routing.refresh()
        self._refreshing = asyncio.create_task(self._routing.run())

    async def stop(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})

    async def refresh(self) -> None:
        """Follow a ledger entry that was just written, without waiting for the next look. Raises StoreError."""
        await self._routing.refresh()

    @property
    def in_flight(self) -> int:
        """Images that are being made or wait to be."""
        return self._admitted

    def last_dispatch(self, generator: str, version: int) -> datetime | None:
        """When this gateway last sent a request to an engine of a version."""
        return self._last_dispatch.get((generator, version))

    async def generate(self, request: GenerationRequest) -> list[Generated]:
        """The images, in the order of their seeds; among several some may lack one, as their outcome says.

        Raises SafelightError: generator_not_found, nothing_serves, parameter_invalid, too_many_requests, and, when
        there is no image at all, what kept the first from being made (see safelight.serving.attempt).
        """
        route = self._route(request.generator)
        # Half of the range, so that people can read and type it.
        whole = _resolve(route.version, request.requested, fallback_seed=secrets.randbelow(2**31))
        self._admit(whole.n)
        try:
            singles = (replace(request.requested, n=1, seed=whole.seed + place) for place in range(whole.n))
            results = await asyncio.gather(
                *(self._generate_one(request, route, single) for single in singles), return_exceptions=True
            )
        finally:
            self._admitted -= whole.n
        generated = [_or_raise(result) for result in results]
        if not any(each.png for each in generated):
            raise failure_of(generated[0].generation)
        return generated

    async def make_on(
        self, request: GenerationRequest, version: KnownVersion, engine: KnownEngine, defer: float = DEFER
    ) -> Generated:
        """One image from a given engine, behind everybody's requests for `defer` seconds, recorded like any other's.

        It is tried once and there only, for what is asked is how this engine does; without an image the outcome says
        why. Raises SafelightError parameter_invalid.
        """
        started = self._clock.monotonic()
        attempt = Attempt(request, new_id(), self._clock.now(), version, _resolve(version, request.requested))
        try:
            attempt.facts, png = await self._dispatch(
                attempt, engine, started + self._limits.request_seconds, defer=defer
            )
        except (EngineUnreached, EngineLost):
            attempt.error_code, png = "engine_lost", b""
        except EngineRefused as refusal:
            attempt.error_code, png = str(refusal), b""
        except TimeoutError:
            attempt.error_code, png = "deadline_exceeded", b""
        return Generated(await self._record(attempt, attempt.outcome, started, png), png)

    def _route(self, generator: str) -> Route:
        routes = self._routing.table.routes
        if generator not in routes:
            raise not_found("generator", generator)
        route = routes[generator]
        if route is None:
            raise SafelightError(
                Kind.UNAVAILABLE, "nothing_serves", f"No version of {generator} serves yet. Promote one first."
            )
        return route

    def _admit(self, images: int) -> None:
        if self._admitted + images > self._limits.max_in_flight:
            message = f"{self._admitted} images are being made and {self._limits.max_in_flight} may be. Try again soon."
            raise SafelightError(Kind.BUSY, "too_many_requests", message, retry_after=1)
        self._admitted += images

    async def _generate_one(self, request: GenerationRequest, route: Route, requested: Requested) -> Generated:
        started = self._clock.monotonic()
        parameters = _resolve(route.version, requested)
        attempt = Attempt(request, new_id(), self._clock.now(), route.version, parameters)
        try:
            png = await self._make(attempt, requested, started + self._limits.request_seconds)
            outcome = attempt.outcome
        except asyncio.CancelledError:
            await self._record(attempt, Outcome.CANCELLED, started)
            raise
        except SafelightError as error:
            attempt.error_code = error.code
            await self._record(attempt, Outcome.FAILED, started)
            raise
        return Generated(await self._record(attempt, outcome, started, png), png)

    async def _record(self, attempt: Attempt, outcome: Outcome, started: float, png: bytes = b"") -> Generation:
        generation = describe(attempt, outcome, (self._clock.monotonic() - started) * 1000)
        await self._log.record(generation, png or None)
        return generation

    async def _make(self, attempt: Attempt, requested: Requested, deadline: float) -> bytes:
        """The PNG, or nothing: the attempt then knows why."""
        patience_ends = min(deadline, self._clock.monotonic() + self._limits.patience_seconds)
        breakdowns = 0
        while breakdowns < MAX_BREAKDOWNS:
            engine = await self._find_engine(attempt, requested, patience_ends)
            if engine is None:
                attempt.error_code = "no_engine_ready"
                return b""
            try:
                attempt.facts, png = await self._dispatch(attempt, engine, deadline)
                return png
            except EngineUnreached:
                self._failed_at[engine.id] = engine.heartbeat_at
            except EngineLost:
                self._failed_at[engine.id] = engine.heartbeat_at
                breakdowns += 1
            except EngineRefused as refusal:
                attempt.error_code = str(refusal)
                return b""
            except TimeoutError:
                attempt.error_code = "deadline_exceeded"
                return b""
        attempt.error_code = "engine_lost"
        return b""

    async def _find_engine(self, attempt: Attempt, requested: Requested, until: float) -> KnownEngine | None:
        """An engine of what serves now, which may have changed since the last try; None when there is none in time."""
        while True:
            route = self._route(attempt.request.generator)
            attempt.version, attempt.parameters = route.version, _resolve(route.version, requested)
            engine = choose(route.engines, Usage(self._in_flight, self._failed_at))
            now = self._clock.monotonic()
            if engine is not None or now >= until:
                return engine
            await self._routing.wait_for_refresh(until - now)

    async def _dispatch(
        self, attempt: Attempt, engine: KnownEngine, deadline: float, *, defer: float = 0.0
    ) -> tuple[Facts, bytes]:
        attempt.engine = engine
        self._in_flight[engine.id] += 1
        if not defer:
            self._last_dispatch[engine.generator, engine.version] = self._clock.now()
        try:
            seconds = max(deadline - self._clock.monotonic(), 0.001)
            return await self._engines.order(engine.url, attempt.parameters, seconds, defer=defer)
        finally:
            self._in_flight[engine.id] -= 1
            if not self._in_flight[engine.id]:
                del self._in_flight[engine.id]


def _resolve(version: KnownVersion, requested: Requested, fallback_seed: int = 0) -> GenerationParameters:
    try:
        return version.manifest.resolve(requested, fallback_seed=fallback_seed)
    except ParameterError as error:
        details = {"field": error.field, "allowed": error.allowed}
        raise SafelightError(Kind.INVALID, error.code, error.message, **details) from error


def _or_raise(result: Generated | BaseException) -> Generated:
    if isinstance(result, BaseException):
        raise result
    return result
