"""A candidate's baseline before it serves: production's requests, made anew, scored and fitted."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from registry.manifest import parse_manifest
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording.generation import Generation, Outcome, Source
from safelight.serving.replaying import Replayer
from safelight.serving.request import Generated, GenerationRequest
from safelight.store import baseline_jobs, baselines, engines, probe_sets, versions
from safelight.store.base import Base
from safelight.store.baseline_jobs import KnownJob, Phase
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.job_state import JobState
from safelight.store.tables import GenerationRow, ScoreTask
from safelight.store.versions import KnownVersion
from safelight.watching import ordering
from safelight.watching.making import Maker
from safelight.watching.ordering import Ordered, order_replay

from .conftest import DEFAULTS, _png  # noqa: TID252

MANIFEST = parse_manifest(
    {
        "checkpoint": "sha256:" + "0" * 64,
        "dtype": "float32",
        "defaults": DEFAULTS.model_dump(),
        "limits": {"min_side": 32, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 500},
        "golden": [{"prompt": "a red apple", "seed": 1}],
    }
)
QUICKER = MANIFEST.model_copy(update={"defaults": DEFAULTS.model_copy(update={"steps": 4})})


class Studio:
    """Paints what it is asked for and logs it, as gateway, journal and shipper do together."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.made: list[GenerationRequest] = []
        self.breaks: Callable[[int], None] = lambda made: None
        self.outcome = Outcome.SERVED
        self.together = 1
        self._waiting: list[Base] = []

    async def make_on(self, request: GenerationRequest, version: KnownVersion, engine: KnownEngine) -> Generated:
        self.breaks(len(self.made))
        self.made.append(request)
        served = self.outcome is Outcome.SERVED
        parameters = version.held.resolve(request.requested, fallback_seed=0)
        generation = Generation(
            id=new_id(),
            created_at=self.world.clock.now(),
            generator=version.generator,
            version=version.number,
            bundle_digest=version.digest,
            source=Source.ENGINE,
            arm=request.arm,
            outcome=self.outcome,
            error_code=None if served else "rendering_failed",
            request_id=request.id,
            prompt=parameters.prompt,
            seed=parameters.seed,
            parameters={"steps": parameters.steps, "guidance": parameters.guidance, "width": 64, "height": 64},
        )
        await asyncio.to_thread(self._log, generation, served)
        return Generated(generation, b"png" if served else b"")

    def _log(self, generation: Generation, served: bool) -> None:
        columns = generation.model_dump(exclude={"environment", "seen"}) | {"image_key": str(generation.id)}
        row = GenerationRow(**columns | {"arm": generation.arm.value, "outcome": generation.outcome.value})
        self.world.content[str(generation.id)] = _png(self.world.embedder.paint(generation.prompt, self.world._rng))
        self._waiting += [row] + [ScoreTask(generation_id=generation.id, generator="studio")] * served
        if len(self.made) % self.together == 0:
            with self.world.database.transaction() as session:
                session.add_all(self._waiting)
            self._waiting.clear()


@pytest.fixture
def studio(world: Any, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Version 1 serves and has had traffic; 2 is a candidate, which nobody has loaded. A few prompts are enough."""
    monkeypatch.setattr(ordering, "FEWEST_PROMPTS", 8)
    with world.database.transaction() as session:
        for number, manifest in ((1, MANIFEST), (2, QUICKER)):
            known = KnownVersion("studio", number, manifest.digest, manifest, "", world.clock.now(), "anna")
            versions.put_version(session, known)
    world.log(20)
    world.clock.advance(60)
    return Studio(world)


def engine(world: Any, state: EngineState = EngineState.READY, detail: str = "") -> None:
    now = world.clock.now()
    known = KnownEngine(
        id=new_id(),
        generator="studio",
        version=2,
        host="host",
        pid=1,
        url="http://host",
        state=state,
        detail=detail,
        environment_digest=None,
        started_at=now,
        ready_at=now,
        heartbeat_at=now + timedelta(days=1),
    )
    with world.database.transaction() as session:
        engines.put(session, known)


def order(world: Any, prompts: int = 12, probe_set: str | None = None) -> KnownJob:
    with world.database.transaction() as session:
        wanted = Ordered("studio", 2, "candidate", "anna")
        return order_replay(session, wanted, prompts, world.clock.now(), probe_set)


def step(world: Any, studio: Studio, name: str = "one") -> None:
    asyncio.run(Replayer(world.database, studio, world.clock, name).step())


def standing(world: Any, job: KnownJob) -> KnownJob:
    with world.database.reading() as session:
        return baseline_jobs.get(session, job.id)


def test_a_candidate_is_loaded_makes_every_request_once_and_is_let_go(world: Any, studio: Studio) -> None:
    job = order(world)
    step(world, studio)
    assert (standing(world, job).phase, studio.made) == (Phase.LOADING, [])
    with world.database.reading() as session:
        assert baseline_jobs.to_be_held(session) == [("studio", 2)]
    engine(world)
    step(world, studio)
    assert (standing(world, job).phase, standing(world, job).done) == (Phase.SCORING, 12)
    assert len({request.requested.prompt for request in studio.made}) == 12
    assert {request.requested.steps for request in studio.made} == {None}, "the candidate's own default"
    assert {request.id for request in studio.made} == {job.id}
    with world.database.reading() as session:
        assert baseline_jobs.to_be_held(session) == []
    maker = Maker(world.database, world.clock, "one", world.embedder.digest)
    assert maker.run_once() == 0, "the images wait for their scores"
    while world.scorer.run_once():
        pass
    assert maker.run_once() == 1
    assert (standing(world, job).state, standing(world, job).error_code) == (JobState.FAILED, "baseline_too_small")


def test_another_goes_on_where_one_was_killed(world: Any, studio: Studio) -> None:
    job = order(world)
    engine(world)

    def killed(made: int) -> None:
        if made == 5:
            raise KeyboardInterrupt

    studio.breaks = killed
    with pytest.raises(KeyboardInterrupt):
        step(world, studio)
    studio.breaks = lambda made: None
    step(world, studio, "two")
    assert len(studio.made) == 5, "as long as the first may be at it"
    world.clock.advance(200)
    step(world, studio, "two")
    assert standing(world, job).phase is Phase.SCORING
    prompts = [request.requested.prompt for request in studio.made]
    assert len(prompts) == len(set(prompts)) == 12


def test_a_replay_that_is_cancelled_stops_at_the_next_image(world: Any, studio: Studio) -> None:
    job = order(world)
    engine(world)

    def cancel(made: int) -> None:
        if made == 3:
            with world.database.transaction() as session:
                baseline_jobs.cancel(session, job.id, world.clock.now())

    studio.breaks = cancel
    step(world, studio)
    step(world, studio)
    assert len(studio.made) == 4
    assert standing(world, job).state is JobState.CANCELLED
    with world.database.reading() as session:
        assert baseline_jobs.prompts(session, job.id) == [], "what people asked for stays in the log, and only there"


def test_a_candidate_that_cannot_be_loaded_beside_is_named(world: Any, studio: Studio) -> None:
    job = order(world)
    world.clock.advance(1)
    engine(world, EngineState.FAILED, "out of memory")
    step(world, studio)
    assert standing(world, job).error_code == "engine_failed"
    assert "out of memory" in standing(world, job).error


def test_without_an_engine_host_a_replay_ends(world: Any, studio: Studio) -> None:
    job = order(world)
    step(world, studio)
    world.clock.advance(16 * 60)
    step(world, studio)
    assert standing(world, job).error_code == "no_engine_ready"


def test_a_candidate_that_makes_nothing_is_given_up(world: Any, studio: Studio) -> None:
    world.log(20)
    job = order(world, 30)
    engine(world)
    studio.outcome = Outcome.FAILED
    step(world, studio)
    assert (len(studio.made), standing(world, job).error_code) == (20, "replay_failed")


def test_too_few_prompts_are_refused_and_a_probe_set_helps(world: Any, studio: Studio) -> None:
    with world.database.transaction() as session:
        probes = [{"prompt": f"a cat {i}", "seed": 10 * i} for i in range(4)]
        probe_sets.add(
            session, generator="studio", name="own", source="file", probes=probes, now=world.clock.now(), actor="anna"
        )
    for prompts, code in ((5, "prompts_invalid"), (2_001, "prompts_invalid")):
        with pytest.raises(SafelightError) as refusal:
            order(world, prompts)
        assert refusal.value.code == code
    job = order(world, 10, "own")
    with world.database.reading() as session:
        asked = baseline_jobs.prompts(session, job.id)
    assert [each["seed"] for each in asked] == [0, 10, 20, 30, 1, 11, 21, 31, 2, 12]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_replay_becomes_a_baseline_of_the_candidate(world: Any, studio: Studio) -> None:
    """On one database: what is slow here is painting, scoring and fitting, which know none."""
    world.log(640)
    job = order(world, 620)
    engine(world)
    studio.together = 620
    step(world, studio)
    while world.scorer.run_once():
        pass
    Maker(world.database, world.clock, "one", world.embedder.digest).run_once()
    assert (standing(world, job).state, standing(world, job).error) == (JobState.DONE, "")
    with world.database.reading() as session:
        made = baselines.newest_of(session, "studio", 2, world.embedder.digest)
        assert made is not None
        assert (made.name, made.source, made.n) == ("candidate", "replay", 620)
        topics = baselines.topics(session, made.id)
    assert sum(topic.n for topic in topics) == 620
    assert any(topic.words for topic in topics)
