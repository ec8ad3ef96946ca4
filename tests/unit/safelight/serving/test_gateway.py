"""The gateway's promises: every outcome recorded before it is answered, broken engines never cost a request."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from registry.canary import CanaryStep, Sticky
from registry.manifest import parse_manifest
from registry.parameters import Requested
from safelight.clock import ManualClock
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.serving.admission import Refusal
from safelight.serving.dispatch import EngineLost, EngineRefused, EngineUnreached
from safelight.serving.gateway import DEFER, Gateway, GatewayLimits
from safelight.serving.rendering import Finish
from safelight.serving.request import GenerationRequest
from safelight.serving.routing import CanaryRoute, Route, RoutingTable
from safelight.serving.wire import Facts, Order, Progress
from safelight.store.database import StoreError
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.versions import KnownVersion

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = Facts(
    finish=Finish.COMPLETE,
    queue_ms=1.0,
    engine_ms=20.0,
    batch_size=4,
    position=2,
    scheduler="DDIMScheduler",
    environment={"device": "cpu", "dtype": "float32", "threads": 1, "torch": "2"},
    environment_digest="sha256:environment",
)


def version(number: int, max_steps: int = 50) -> KnownVersion:
    manifest = parse_manifest(
        {
            "checkpoint": "sha256:" + str(number) * 64,
            "dtype": "float32",
            "defaults": {"steps": 8, "guidance": 3, "width": 64, "height": 64},
            "limits": {
                "min_side": 32, "max_side": 64, "max_steps": max_steps, "max_guidance": 20, "max_prompt_length": 50,
                "max_n": 4,
            },
            "golden": [{"prompt": "a red apple", "seed": 1}],
        }
    )  # fmt: skip
    return KnownVersion("sprites", number, manifest.digest, manifest, "", MOMENT, "tester")


def engine(number: int = 1, name: str = "engine") -> KnownEngine:
    return KnownEngine(
        id=uuid4(),
        generator="sprites",
        version=number,
        host=f"{name}-host",
        pid=1,
        url=f"http://{name}",
        state=EngineState.READY,
        detail="",
        environment_digest="sha256:environment",
        started_at=MOMENT,
        ready_at=MOMENT,
        heartbeat_at=MOMENT,
    )


@dataclass
class _Routing:
    """A table that changes when a test says so; waiting for a refresh lets time pass, or brings the next table."""

    clock: ManualClock
    table: RoutingTable
    coming: list[RoutingTable] = field(default_factory=list)
    away: bool = False

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def refresh(self) -> None:
        if self.away:
            raise StoreError
        if self.coming:
            self.table = self.coming.pop(0)

    async def wait_for_refresh(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.clock.advance(min(seconds, 1.0))
        await self.refresh()


@dataclass
class _Engines:
    """Answers as a test prepared it for each address; a missing one makes an image."""

    answers: dict[str, list[Exception]] = field(default_factory=dict)
    orders: list[tuple[str, Order]] = field(default_factory=list)
    facts: Facts = FACTS
    gate: asyncio.Event | None = None
    gates: dict[str, asyncio.Event] = field(default_factory=dict)

    async def order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        self.orders.append((url, order))
        if url in self.gates:
            await self.gates[url].wait()
        if self.gate is not None:
            await self.gate.wait()
        if self.answers.get(url):
            raise self.answers[url].pop(0)
        return self.facts, b"png" if self.facts.finish is Finish.COMPLETE else b""

    async def progress(self, url: str, orders: Sequence[UUID]) -> dict[UUID, Progress]:
        return {order: Progress(step=4, steps=8, ahead=2) for order in orders}

    @property
    def urls(self) -> list[str]:
        return [url for url, _ in self.orders]


@dataclass
class _Log:
    records: list[tuple[Generation, bytes | None]] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def record(self, generation: Generation, image: bytes | None) -> None:
        await asyncio.sleep(0)
        self.records.append((generation, image))
        self._more.set()

    async def until(self, count: int) -> None:
        """Wait until so many are recorded."""
        while len(self.records) < count:
            self._more.clear()
            await self._more.wait()

    @property
    def outcomes(self) -> list[tuple[Outcome, str | None]]:
        return [(generation.outcome, generation.error_code) for generation, _ in self.records]


class Scene:
    """A gateway among fakes."""

    def __init__(self, *engines: KnownEngine, serving: KnownVersion | None = None, **limits: Any) -> None:
        self.clock = ManualClock(MOMENT)
        self.routing = _Routing(self.clock, table(*engines, serving=serving or version(1)))
        self.engines = _Engines()
        self.log = _Log()
        self.gateway = Gateway(
            routing=self.routing,
            engines=self.engines,
            log=self.log,
            limits=GatewayLimits(**{"max_in_flight": 8, "request_seconds": 60.0, "patience_seconds": 10.0, **limits}),
            clock=self.clock,
        )

    def ask(
        self, *, key: UUID | None = None, seconds: float | None = None, **requested: Any
    ) -> Coroutine[Any, Any, Any]:
        request = GenerationRequest(
            generator="sprites",
            requested=Requested(**{"prompt": "a cat", **requested}),
            api_key_id=key or KEY,
            seconds=seconds,
        )
        return self.gateway.generate(request)


KEY = UUID(int=5)


def table(*engines: KnownEngine, serving: KnownVersion) -> RoutingTable:
    return RoutingTable({"sprites": Route(serving, 1, engines), "idle": None})


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def refused(coroutine: Coroutine[Any, Any, Any]) -> SafelightError:
    with pytest.raises(SafelightError) as caught:
        asyncio.run(coroutine)
    return caught.value


def test_an_image_is_recorded_with_all_that_makes_it_again() -> None:
    scene = Scene(engine())
    [made] = asyncio.run(scene.ask(seed=7, guidance=2.5))
    [(recorded, image)] = scene.log.records
    assert (made.generation, made.png) == (recorded, image) == (recorded, b"png")
    assert recorded.model_dump(exclude={"id", "request_id"}) == {
        "created_at": MOMENT,
        "generator": "sprites",
        "version": 1,
        "bundle_digest": version(1).digest,
        "environment_digest": "sha256:environment",
        "environment": FACTS.environment,
        "source": Source.ENGINE,
        "arm": Arm.STABLE,
        "outcome": Outcome.SERVED,
        "error_code": None,
        "api_key_id": KEY,
        "replica": "engine-host",
        "adapter": None,
        "tenant": None,
        "region": None,
        "prompt": "a cat",
        "final_prompt": None,
        "seed": 7,
        "parameters": {"negative_prompt": "", "width": 64, "height": 64, "steps": 8, "guidance": 2.5},
        "envelope": {
            "batch_size": 4, "position": 2, "scheduler": "DDIMScheduler", "device": "cpu", "dtype": "float32",
            "threads": 1,
        },
        "seen": None,
        "end_user": None,
        "queue_ms": 1.0,
        "engine_ms": 20.0,
        "total_ms": 0.0,
    }  # fmt: skip
    assert scene.gateway.in_flight == 0


def test_what_was_written_to_the_ledger_stands_when_the_database_goes_away_before_it_is_followed() -> None:
    scene = Scene(engine())

    async def story() -> None:
        await scene.gateway.start()
        scene.routing.away = True
        await scene.gateway.refresh()
        await scene.gateway.stop()
        with pytest.raises(StoreError):  # but what has never been read cannot be followed
            await scene.gateway.start()

    play(story)


def test_several_images_are_several_generations_of_one_request() -> None:
    scene = Scene(engine())
    made = asyncio.run(scene.ask(seed=10, n=3))
    assert [each.generation.seed for each in made] == [10, 11, 12]
    assert len({each.generation.id for each in made}) == 3
    assert len({each.generation.request_id for each in made}) == 1
    assert all((order.parameters.n, order.siblings) == (1, 3) for _, order in scene.engines.orders)
    assert {order.request for _, order in scene.engines.orders} == {made[0].generation.request_id}
    assert [order.id for _, order in scene.engines.orders] == [each.generation.id for each in made]


def test_the_engine_with_the_least_to_do_is_chosen() -> None:
    scene = Scene(engine(name="a"), engine(name="b"))

    async def story() -> None:
        scene.engines.gate = asyncio.Event()
        asked = asyncio.create_task(scene.ask(n=4))
        await asyncio.sleep(0.001)
        assert sorted(scene.engines.urls) == ["http://a", "http://a", "http://b", "http://b"]
        assert {order.siblings for _, order in scene.engines.orders} == {2}
        scene.engines.gate.set()
        await asked

    play(story)


@pytest.mark.parametrize("breakdown", [EngineUnreached(), EngineLost()])
def test_what_a_broken_engine_drops_is_made_by_another(breakdown: Exception) -> None:
    broken, sound = engine(name="a"), engine(name="b")
    scene = Scene(broken, sound)
    scene.engines.answers["http://a"] = [breakdown]
    [made] = asyncio.run(scene.ask())
    assert made.generation.replica == "b-host"
    assert scene.log.outcomes == [(Outcome.SERVED, None)]


def test_a_lone_broken_engine_is_waited_for_until_it_is_heard_of_again() -> None:
    broken = engine()
    scene = Scene(broken)
    scene.engines.answers[broken.url] = [EngineLost()]
    alive = replace(broken, heartbeat_at=MOMENT + timedelta(seconds=1))
    scene.routing.coming = [scene.routing.table, table(alive, serving=version(1))]
    asyncio.run(scene.ask())
    assert scene.clock.monotonic() == 2.0
    assert scene.engines.urls == [broken.url, broken.url]


def test_a_request_that_breaks_engines_is_given_no_fourth() -> None:
    engines = [engine(name=name) for name in "abcd"]
    scene = Scene(*engines)
    scene.engines.answers = {each.url: [EngineLost()] for each in engines}
    error = refused(scene.ask())
    assert (error.kind, error.code) == (Kind.UNAVAILABLE, "engine_lost")
    assert len(scene.engines.orders) == 3
    assert scene.log.outcomes == [(Outcome.FAILED, "engine_lost")]


def test_a_retry_after_a_flip_goes_to_what_serves_now() -> None:
    old, new = engine(1, "old"), engine(2, "new")
    scene = Scene(old)
    scene.engines.answers[old.url] = [EngineLost()]
    scene.routing.coming = [table(new, serving=version(2))]
    [made] = asyncio.run(scene.ask())
    assert (made.generation.version, made.generation.bundle_digest) == (2, version(2).digest)


def test_a_retry_that_the_new_version_does_not_allow_is_recorded_and_told() -> None:
    scene = Scene(engine(1, "old"))
    scene.engines.answers["http://old"] = [EngineLost()]
    scene.routing.coming = [table(engine(2, "new"), serving=version(2, max_steps=10))]
    error = refused(scene.ask(steps=40))
    assert (error.kind, error.code, error.details["field"]) == (Kind.INVALID, "parameter_invalid", "steps")
    assert scene.log.outcomes == [(Outcome.FAILED, "parameter_invalid")]


def test_nobody_waits_for_an_engine_for_ever() -> None:
    scene = Scene()
    error = refused(scene.ask())
    assert (error.kind, error.code, error.details["retry_after"]) == (Kind.UNAVAILABLE, "no_engine_ready", 5)
    assert scene.clock.monotonic() == 10.0
    assert scene.log.outcomes == [(Outcome.FAILED, "no_engine_ready")]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (TimeoutError(), "deadline_exceeded"),
        (EngineRefused("rendering_failed"), "rendering_failed"),
        (EngineRefused("out_of_memory"), "out_of_memory"),
    ],
)
def test_what_an_engine_cannot_do_is_recorded_as_a_failure(answer: Exception, code: str) -> None:
    scene = Scene(engine())
    scene.engines.answers["http://engine"] = [answer]
    assert refused(scene.ask()).code == code
    assert scene.log.outcomes == [(Outcome.FAILED, code)]


@pytest.mark.parametrize(
    ("finish", "outcome", "kind"),
    [
        (Finish.NOT_FINITE, Outcome.FAILED, Kind.UNAVAILABLE),
        (Finish.FILTERED, Outcome.FILTERED, Kind.INVALID),
    ],
)
def test_a_rendering_without_an_image_is_recorded_for_what_it_is(finish: Finish, outcome: Outcome, kind: Kind) -> None:
    scene = Scene(engine())
    scene.engines.facts = FACTS.model_copy(update={"finish": finish})
    error = refused(scene.ask())
    assert (error.kind, error.code) == (kind, finish.value)
    assert scene.log.outcomes == [(outcome, finish.value)]
    assert scene.log.records[0][0].environment_digest == "sha256:environment"


def test_who_leaves_is_recorded_as_cancelled() -> None:
    scene = Scene(engine())

    async def story() -> None:
        scene.engines.gate = asyncio.Event()
        asked = asyncio.create_task(scene.ask(n=2))
        await asyncio.sleep(0.001)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert scene.gateway.in_flight == 0

    play(story)
    assert scene.log.outcomes == [(Outcome.CANCELLED, None)] * 2


def test_what_one_engine_is_not_given_yet_waits_and_follows() -> None:
    scene = Scene(engine(), max_in_flight=2, request_seconds=1e6)

    async def story() -> None:
        scene.engines.gate = asyncio.Event()
        asked = asyncio.create_task(scene.ask(n=4, seed=1))
        await asyncio.sleep(0.001)
        assert [order.parameters.seed for _, order in scene.engines.orders] == [1, 2]
        load = scene.gateway.loads()["sprites"]
        assert (load.unanswered, load.waiting) == (4, 2)
        scene.engines.gate.set()
        assert len(await asked) == 4

    play(story)
    assert scene.gateway.in_flight == 0


def test_a_key_with_much_in_the_line_does_not_hold_up_another() -> None:
    scene = Scene(engine(), max_in_flight=1, request_seconds=1e6)

    async def story() -> None:
        scene.engines.gate = asyncio.Event()
        greedy = [asyncio.create_task(scene.ask(n=4, seed=0)) for _ in range(10)]
        await asyncio.sleep(0.001)
        modest = asyncio.create_task(scene.ask(key=UUID(int=6), n=2, seed=100))
        await asyncio.sleep(0.001)
        scene.engines.gate.set()
        await asyncio.gather(*greedy, modest)

    play(story)
    places = [place for place, (_, order) in enumerate(scene.engines.orders) if order.parameters.seed >= 100]
    assert max(places) <= 4


def test_more_than_may_wait_is_refused_at_once_and_unrecorded() -> None:
    scene = Scene(engine(), max_waiting=5)

    async def story() -> None:
        await scene.ask()  # 5 ms an image, as the facts say
        scene.engines.gate = asyncio.Event()
        asked = asyncio.create_task(scene.ask(n=4))
        await asyncio.sleep(0.001)
        for images, code in ((2, "too_many_requests"), (1, "too_many_of_this_key")):
            with pytest.raises(SafelightError) as caught:
                await scene.ask(n=images)
            assert (caught.value.kind, caught.value.code) == (Kind.BUSY, code)
            assert caught.value.details == {"retry_after": 1}
        scene.engines.gate.set()
        await asked

    play(story)
    assert len(scene.log.records) == 5
    assert scene.gateway.loads()["sprites"].refused == {Refusal.QUEUE_FULL: 2, Refusal.SHARE_FULL: 1}


def test_when_to_come_back_follows_from_the_queue_and_the_measured_speed() -> None:
    scene = Scene(engine(), max_waiting=20)

    async def story() -> None:
        scene.engines.facts = FACTS.model_copy(update={"engine_ms": 10_000.0, "batch_size": 4})  # 2.5 s an image
        await scene.ask()
        scene.engines.gate = asyncio.Event()
        waiting = [asyncio.create_task(scene.ask(n=4)) for _ in range(4)]
        await asyncio.sleep(0.001)
        with pytest.raises(SafelightError) as caught:
            await scene.ask(n=4)
        assert caught.value.details == {"retry_after": 40}
        scene.engines.gate.set()
        await asyncio.gather(*waiting)

    play(story)


def test_what_could_not_be_made_in_its_time_is_refused_at_once() -> None:
    scene = Scene(engine())

    async def story() -> None:
        scene.engines.facts = FACTS.model_copy(update={"engine_ms": 10_000.0, "batch_size": 1})
        await scene.ask()
        scene.engines.gate = asyncio.Event()
        waiting = asyncio.create_task(scene.ask(n=3))
        await asyncio.sleep(0.001)
        with pytest.raises(SafelightError) as caught:
            await scene.ask(seconds=15.0)
        assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "deadline_unreachable")
        assert caught.value.details == {"retry_after": 15}
        scene.engines.gate.set()
        await waiting

    play(story)
    assert len(scene.engines.orders) == 4


def test_a_request_may_give_itself_less_time() -> None:
    scene = Scene(engine())
    asyncio.run(scene.ask(seconds=7.0))
    asyncio.run(scene.ask(seconds=1e9))
    assert [order.seconds for _, order in scene.engines.orders] == [7.0, 60.0]


def test_a_deadline_that_passes_in_the_line_reaches_no_engine() -> None:
    scene = Scene(engine(), max_in_flight=1)

    async def story() -> None:
        scene.engines.gate = asyncio.Event()
        first = asyncio.create_task(scene.ask())
        await asyncio.sleep(0.001)
        with pytest.raises(SafelightError, match="not made in time"):
            await scene.ask()
        scene.engines.gate.set()
        await first

    play(story)
    assert scene.log.outcomes == [(Outcome.FAILED, "deadline_exceeded"), (Outcome.SERVED, None)]
    assert len(scene.engines.orders) == 1


def test_who_leaves_the_line_reaches_no_engine_and_keeps_none() -> None:
    scene = Scene(engine(), max_in_flight=1, request_seconds=1e6)

    async def story() -> None:
        scene.engines.gate = asyncio.Event()
        first, gone, last = (asyncio.create_task(scene.ask(seed=seed)) for seed in (1, 2, 3))
        await asyncio.sleep(0.001)
        gone.cancel()
        await asyncio.wait({gone})
        scene.engines.gate.set()
        await asyncio.gather(first, last)

    play(story)
    assert [order.parameters.seed for _, order in scene.engines.orders] == [1, 3]


def test_a_key_that_asks_too_often_is_told_when_it_may_again() -> None:
    scene = Scene(engine(), images_per_minute=60, burst=3)
    asyncio.run(scene.ask(n=2))
    error = refused(scene.ask(n=2))
    assert (error.kind, error.code, error.details) == (Kind.BUSY, "rate_limited", {"retry_after": 1})
    asyncio.run(scene.ask(key=UUID(int=6), n=3))
    scene.clock.advance(1.0)
    asyncio.run(scene.ask(n=2))


def test_what_the_version_cannot_do_is_told_in_the_engines_words() -> None:
    scene = Scene(engine())
    scene.engines.answers["http://engine"] = [EngineRefused("request_unsupported", "It takes no negative prompt.")]
    error = refused(scene.ask())
    assert (error.kind, error.code, error.message) == (
        Kind.INVALID, "request_unsupported", "It takes no negative prompt.",
    )  # fmt: skip
    assert scene.log.outcomes == [(Outcome.FAILED, "request_unsupported")]


@pytest.mark.parametrize(
    ("requested", "field"),
    [
        ({"guidance": float("nan")}, "guidance"),
        ({"width": 0}, "width"),
        ({"n": -1}, "n"),
        ({"n": 5}, "n"),
        ({"steps": 51}, "steps"),
        ({"prompt": "x" * 51}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_the_version_does_not_allow_reaches_no_engine(requested: dict[str, Any], field: str) -> None:
    scene = Scene(engine())
    error = refused(scene.ask(**requested))
    assert (error.kind, error.code, error.details["field"]) == (Kind.INVALID, "parameter_invalid", field)
    assert (scene.engines.orders, scene.log.records) == ([], [])


@pytest.mark.parametrize(
    ("generator", "kind", "code"),
    [("nobody", Kind.NOT_FOUND, "generator_not_found"), ("idle", Kind.UNAVAILABLE, "nothing_serves")],
)
def test_a_generator_that_cannot_serve_is_told_apart(generator: str, kind: Kind, code: str) -> None:
    scene = Scene(engine())
    request = GenerationRequest(generator=generator, requested=Requested(prompt="a cat"))
    error = refused(scene.gateway.generate(request))
    assert (error.kind, error.code) == (kind, code)


def test_a_request_without_a_seed_is_given_one_that_is_recorded() -> None:
    scene = Scene(engine())
    seeds = {asyncio.run(scene.ask())[0].generation.seed for _ in range(3)}
    assert len(seeds) == 3


def test_when_some_images_fail_the_others_are_answered() -> None:
    scene = Scene(engine())
    scene.engines.answers["http://engine"] = [EngineRefused("rendering_failed")]
    made = asyncio.run(scene.ask(n=2))
    assert sorted(each.png for each in made) == [b"", b"png"]
    assert sorted(outcome for outcome, _ in scene.log.outcomes) == [Outcome.FAILED, Outcome.SERVED]


def probe(scene: Scene, held: KnownEngine, number: int = 2, **requested: Any) -> Coroutine[Any, Any, Any]:
    request = GenerationRequest(
        generator="sprites", requested=Requested(**{"prompt": "a cat", "seed": 1, **requested}), arm=Arm.PROBE
    )
    return scene.gateway.make_on(request, version(number), held)


def test_a_probe_goes_to_the_engine_it_is_meant_for_behind_everybody_and_on_record() -> None:
    scene = Scene(engine(1, "serving"), max_in_flight=0)
    made = asyncio.run(probe(scene, engine(2, "warm")))
    assert [(url, order.defer, order.account) for url, order in scene.engines.orders] == [
        ("http://warm", DEFER, "probe")
    ]
    [(recorded, image)] = scene.log.records
    assert (made.generation, made.png) == (recorded, image)
    assert (recorded.arm, recorded.version, recorded.replica) == (Arm.PROBE, 2, "warm-host")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (EngineLost(), "engine_lost"),
        (EngineUnreached(), "engine_lost"),
        (EngineRefused("rendering_failed"), "rendering_failed"),
        (TimeoutError(), "deadline_exceeded"),
    ],
)
def test_a_probe_that_fails_is_tried_nowhere_else(answer: Exception, code: str) -> None:
    scene = Scene(engine(2, "sound"))
    scene.engines.answers["http://warm"] = [answer]
    made = asyncio.run(probe(scene, engine(2, "warm")))
    assert (made.png, made.generation.error_code) == (b"", code)
    assert len(scene.engines.orders) == 1


def test_a_probe_keeps_to_the_limits_of_the_version_it_asks() -> None:
    scene = Scene(engine(1))
    assert refused(probe(scene, engine(2, "warm"), steps=51)).code == "parameter_invalid"
    assert scene.log.records == []


def split(
    stable: KnownEngine, *tried: KnownEngine, weight: int = 0, shadow: int = 0, sticky: Sticky = Sticky.REQUEST
) -> RoutingTable:
    """Version 1 serves and version 2 is tried."""
    step = CanaryStep(weight=weight, shadow=shadow)
    return RoutingTable({"sprites": Route(version(1), 1, (stable,), CanaryRoute(version(2), tried, step, sticky, "s"))})


def tried_beside(**shares: Any) -> Scene:
    scene = Scene(engine(name="stable"))
    scene.routing.table = split(engine(name="stable"), engine(2, "tried"), **shares)
    return scene


def test_a_part_of_the_requests_goes_to_the_version_that_is_tried_and_is_recorded_as_such() -> None:
    scene = tried_beside(weight=25)

    async def story() -> None:
        for _ in range(200):
            await scene.ask()

    play(story)
    arms = [(made.arm, made.version, made.replica) for made, _ in scene.log.records]
    assert set(arms) == {(Arm.STABLE, 1, "stable-host"), (Arm.CANARY, 2, "tried-host")}
    assert 25 <= sum(arm is Arm.CANARY for arm, _, _ in arms) <= 80


def test_a_key_stays_on_its_side() -> None:
    scene = tried_beside(weight=50, sticky=Sticky.KEY)

    async def story() -> None:
        for number in range(20):
            for _ in range(3):
                await scene.ask(key=UUID(int=number))

    play(story)
    sides = {(made.api_key_id, made.arm) for made, _ in scene.log.records}
    assert len(sides) == 20
    assert {arm for _, arm in sides} == {Arm.STABLE, Arm.CANARY}


def test_who_waits_for_a_canary_that_is_called_off_or_breaks_down_is_served_all_the_same() -> None:
    scene = tried_beside(weight=99)
    scene.engines.answers["http://tried"] = [EngineLost() for _ in range(9)]

    async def story() -> None:
        for _ in range(5):
            await scene.ask()

    play(story)
    assert scene.log.outcomes == [(Outcome.SERVED, None)] * 5
    assert {(made.arm, made.version) for made, _ in scene.log.records} == {(Arm.STABLE, 1)}
    assert scene.engines.urls.count("http://tried") == 1  # it is left alone until it is heard of again


def test_a_shadow_is_made_of_the_same_prompt_and_seed_and_pairs_with_the_image_that_was_served() -> None:
    scene = tried_beside(shadow=100)

    async def story() -> None:
        shadow_is_done = scene.engines.gates["http://tried"] = asyncio.Event()
        [made] = await scene.ask(prompt="a dog", steps=4)
        assert len(scene.log.records) == 1
        shadow_is_done.set()
        await scene.log.until(2)
        shadow, image = scene.log.records[1]
        assert (shadow.arm, shadow.version, image) == (Arm.SHADOW, 2, b"png")
        assert shadow.request_id == made.generation.id
        assert (shadow.prompt, shadow.seed, shadow.parameters["steps"]) == ("a dog", made.generation.seed, 4)
        assert shadow.api_key_id == KEY  # it is forgotten together with the image it shadows

    play(story)
    assert [order.defer for _, order in scene.engines.orders] == [0.0, DEFER]


def test_a_shadow_that_fails_or_finds_its_engine_busy_is_nobodys_concern() -> None:
    scene = tried_beside(shadow=100)
    scene.engines.answers["http://tried"] = [EngineRefused("rendering_failed")]

    async def story() -> None:
        shadow_may_fail = scene.engines.gates["http://tried"] = asyncio.Event()
        await asyncio.gather(*(scene.ask() for _ in range(3)))
        shadow_may_fail.set()
        await scene.log.until(4)

    play(story)
    assert scene.engines.urls.count("http://tried") == 1
    assert sorted(scene.log.outcomes, key=str) == [(Outcome.FAILED, "rendering_failed"), *[(Outcome.SERVED, None)] * 3]
