"""The gateway: from a request to recorded images, by way of an engine that holds what serves."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from registry.parameters import Requested
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.recording.generation import Arm, Generation, Outcome
from safelight.serving.admission import RateLimit
from safelight.serving.attempt import Attempt, describe, failure_of
from safelight.serving.dispatch import EngineClient, EngineLost, EngineRefused, EngineUnreached
from safelight.serving.entrance import Entrance, Load, Wish
from safelight.serving.fairness import work_of
from safelight.serving.line import Line, NoEngineReady, Patience, Place, Seat
from safelight.serving.progress import InTheMaking
from safelight.serving.request import Generated, GenerationRequest
from safelight.serving.resolving import resolve
from safelight.serving.routing import Route, Routing, Unavailable, Usage, choose
from safelight.serving.shadowing import Shadows
from safelight.serving.wire import Facts, Order
from safelight.store.database import StoreError
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion

DEFER = 5.0
"""Seconds for which an image that nobody waits for lets people's requests go first."""
MAX_BREAKDOWNS = 3
"""A request that was on three engines when they broke down is given no fourth."""
_LOOK_AGAIN_SECONDS = 1.0


class Log(Protocol):
    """Where generations are recorded."""

    async def record(self, generation: Generation, image: bytes | None) -> object:
        """Return once the generation is durable."""
        ...


@dataclass(frozen=True)
class GatewayLimits:
    """What a gateway takes upon itself."""

    max_in_flight: int
    """Images that are given to one engine at a time; the others wait here."""
    request_seconds: float
    """For one image, from its arrival to its answer."""
    patience_seconds: float = 30.0
    """Of waiting while there is no engine at all."""
    max_waiting: int = 512
    """Images of one generator that wait or are being made."""
    images_per_minute: float | None = None
    """That one key may ask for."""
    burst: int = 60
    """How many of them at once."""


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
        self._making = InTheMaking(engines)
        self._shadows = Shadows(self.make_on)
        self._entrances: dict[str, Entrance] = {}
        self._rates = RateLimit(limits.images_per_minute, limits.burst)
        self._in_flight: Counter[UUID] = Counter()
        self._failed_at: dict[UUID, datetime] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._moving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the ledger. Raises StoreError when it cannot be read at first."""
        await self._routing.refresh()
        self._refreshing = asyncio.create_task(self._routing.run())

    async def stop(self) -> None:
        running = {task for task in (self._refreshing, self._moving, *self._shadows.tasks) if task is not None}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def refresh(self) -> None:
        """Follow a ledger entry that was just written, without waiting for the next look."""
        with suppress(StoreError):  # the entry stands, and is followed as soon as the database answers again
            await self._routing.refresh()

    @property
    def in_flight(self) -> int:
        """Images that are being made or wait to be."""
        return sum(entrance.load.unanswered for entrance in self._entrances.values())

    def loads(self) -> dict[str, Load]:
        """By generator, of those that were asked for something."""
        return {generator: entrance.load for generator, entrance in self._entrances.items()}

    def plan(self, request: GenerationRequest) -> int:
        """How many images a request is about, without making any. Raises as `generate` does before it admits."""
        route = self._route(request.generator)
        version, _ = route.holders_of(route.arm_of(request))
        return resolve(version, request.requested).n

    def offers(self) -> set[str]:
        """The generators that images can be asked of."""
        return {name for name, route in self._routing.table.routes.items() if route is not None}

    async def progress(self, requests: Collection[UUID]) -> dict[UUID, float]:
        """How far requests that `generate` is at have come, from 0 to 1."""
        return await self._making.progress(requests)

    async def generate(self, request: GenerationRequest) -> list[Generated]:
        """The images, in the order of their seeds; among several some may lack one, as their outcome says.

        Raises SafelightError: generator_not_found, nothing_serves, served_elsewhere, parameter_invalid, what
        safelight.serving.admission refuses, and, when there is no image at all, what kept the first from being made
        (see safelight.serving.attempt).
        """
        route = self._route(request.generator)
        arm = route.arm_of(request)
        version, holders = route.holders_of(arm)
        # Half of the range, so that people can read and type it.
        whole = resolve(version, request.requested, fallback_seed=secrets.randbelow(2**31))
        wish = Wish(request.account, whole.n, self._seconds(request), len(holders))
        with self._entrance(request.generator).admitted(wish, self._clock.monotonic()):
            # Never more than really come: an engine waits for them.
            siblings = max(whole.n // max(len(holders), 1), 1)
            singles = (replace(request.requested, n=1, seed=whole.seed + place) for place in range(whole.n))
            try:
                results = await asyncio.gather(
                    *(self._generate_one(request, version, arm, each, siblings) for each in singles),
                    return_exceptions=True,
                )
            finally:
                self._making.forget(request.id)
        generated = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            generated.append(result)
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
        parameters = resolve(version, request.requested)
        attempt = Attempt(request, new_id(), self._clock.now(), version, parameters, request.arm)
        self._in_flight[engine.id] += 1
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
        finally:
            self._release(engine)
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

    def _entrance(self, generator: str) -> Entrance:
        if generator not in self._entrances:
            lines = {arm: Line(partial(self._claim, generator, arm), self._release) for arm in (Arm.STABLE, Arm.CANARY)}
            self._entrances[generator] = Entrance(lines, self._limits.max_waiting, self._rates)
        return self._entrances[generator]

    def _seconds(self, request: GenerationRequest) -> float:
        most = self._limits.request_seconds
        return most if request.seconds is None else min(request.seconds, most)

    async def _generate_one(
        self, request: GenerationRequest, version: KnownVersion, arm: Arm, requested: Requested, siblings: int
    ) -> Generated:
        started = self._clock.monotonic()
        parameters = resolve(version, requested)
        attempt = Attempt(request, new_id(), self._clock.now(), version, parameters, arm)
        self._making.add(attempt)
        try:
            png = await self._make(attempt, requested, started + self._seconds(request), siblings)
        except asyncio.CancelledError:
            await self._record(attempt, Outcome.CANCELLED, started)
            raise
        except SafelightError as error:
            attempt.error_code = error.code
            await self._record(attempt, Outcome.FAILED, started)
            raise
        made = Generated(await self._record(attempt, attempt.outcome, started, png), png)
        if png and attempt.arm is Arm.STABLE:
            self._shadow(request, requested, made.generation)
        return made

    def _shadow(self, request: GenerationRequest, requested: Requested, made: Generation) -> None:
        """Have it made again on a version that is tried, where that costs nobody anything."""
        route = self._routing.table.routes.get(request.generator)
        if route is None or route.canary is None or self._entrance(request.generator).waiting:
            return
        self._shadows.offer(route.canary, request, requested, made, self._usage)

    async def _record(self, attempt: Attempt, outcome: Outcome, started: float, png: bytes = b"") -> Generation:
        generation = describe(attempt, outcome, (self._clock.monotonic() - started) * 1000)
        await self._log.record(generation, png or None)
        return generation

    async def _make(self, attempt: Attempt, requested: Requested, deadline: float, siblings: int) -> bytes:
        """The PNG, or nothing: the attempt then knows why."""
        patience = Patience(deadline, self._limits.patience_seconds)
        breakdowns = 0
        while breakdowns < MAX_BREAKDOWNS:
            try:
                seat = await self._turn(attempt, patience)
                return await self._make_at(seat, attempt, requested, deadline, siblings)
            except NoEngineReady:
                attempt.error_code = "no_engine_ready"
                return b""
            except EngineUnreached:
                pass
            except EngineLost:
                breakdowns += 1
            except EngineRefused as refusal:
                if refusal.message:
                    raise SafelightError(Kind.INVALID, str(refusal), refusal.message) from refusal
                attempt.error_code = str(refusal)
                return b""
            except TimeoutError:
                attempt.error_code = "deadline_exceeded"
                return b""
        attempt.error_code = "engine_lost"
        return b""

    async def _turn(self, attempt: Attempt, patience: Patience) -> Seat:
        """An engine of its arm when it is this image's turn; what serves may have changed since the last try."""
        line = self._entrance(attempt.request.generator).lines[attempt.arm]
        place = Place(
            account=attempt.request.account,
            work=work_of(attempt.parameters),
            patience=patience,
            joined=self._clock.monotonic(),
            first=attempt.engine is not None,
        )
        line.join(place)
        if not place.called.done() and (self._moving is None or self._moving.done()):
            self._moving = asyncio.create_task(self._keep_moving())
        return await line.wait(place)

    async def _keep_moving(self) -> None:
        """As long as anybody waits: engines come up, and time goes by."""
        while any(entrance.waiting for entrance in self._entrances.values()):
            await self._routing.wait_for_refresh(_LOOK_AGAIN_SECONDS)
            for entrance in self._entrances.values():
                entrance.move(self._clock.monotonic())

    @property
    def _usage(self) -> Usage:
        return Usage(self._in_flight, self._failed_at, self._limits.max_in_flight)

    def _claim(self, generator: str, arm: Arm) -> Seat | Unavailable:
        route = self._routing.table.routes.get(generator)
        if route is None:
            return Unavailable.NONE_READY
        if arm is Arm.CANARY:
            engine = Unavailable.NONE_READY if route.canary is None else choose(route.canary.engines, self._usage)
            if engine is Unavailable.NONE_READY:
                return self._claim(generator, Arm.STABLE)  # called off or broken down: nobody waits for it
        else:
            engine = choose(route.engines, self._usage)
        if isinstance(engine, Unavailable):
            return engine
        self._in_flight[engine.id] += 1
        return Seat(route.holders_of(arm)[0], arm, engine)

    def _release(self, engine: KnownEngine) -> None:
        self._in_flight[engine.id] -= 1
        if not self._in_flight[engine.id]:
            del self._in_flight[engine.id]
        if engine.generator in self._entrances:
            self._entrances[engine.generator].move(self._clock.monotonic())

    async def _make_at(
        self, seat: Seat, attempt: Attempt, requested: Requested, deadline: float, siblings: int
    ) -> bytes:
        engine = seat.engine
        try:
            attempt.version, attempt.arm = seat.version, seat.arm
            attempt.parameters = resolve(seat.version, requested)
            attempt.facts, png = await self._dispatch(attempt, engine, deadline, siblings=siblings)
        except (EngineUnreached, EngineLost):
            self._failed_at[engine.id] = engine.heartbeat_at
            raise
        finally:
            self._release(engine)
        self._entrance(engine.generator).speed.note(attempt.facts)
        return png

    async def _dispatch(
        self, attempt: Attempt, engine: KnownEngine, deadline: float, *, siblings: int = 1, defer: float = 0.0
    ) -> tuple[Facts, bytes]:
        attempt.engine = engine
        order = Order(
            id=attempt.id,
            request=attempt.request.id,
            account=attempt.request.account,
            parameters=attempt.parameters,
            seconds=max(deadline - self._clock.monotonic(), 0.001),
            defer=defer,
            siblings=siblings,
        )
        return await self._engines.order(engine.url, order)
