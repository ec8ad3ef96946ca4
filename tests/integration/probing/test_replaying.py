"""One generation made again, from the order to what it is said to show."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from monitors.replays import Likeness
from registry.parameters import Requested
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.probing import requesting
from safelight.probing.replay_judging import GIVEN_UP_AFTER, PATIENCE, ReplayJudge
from safelight.recording.generation import Arm, Outcome
from safelight.serving import remaking
from safelight.serving.remaking import Remaker, requested
from safelight.serving.request import GenerationRequest
from safelight.store import access, engines, generation_replays, generations, retention, versions
from safelight.store.engines import EngineState
from safelight.store.generation_replays import KnownReplay, ReplayState
from safelight.store.generations import StoredGeneration
from safelight.store.tables.generations import GenerationRow

from .conftest import GENERATOR, World  # noqa: TID252

KEY = new_id()


def made(world: World, version: int = 1) -> StoredGeneration:
    """What a person was served."""
    request = GenerationRequest(
        generator=GENERATOR,
        requested=Requested(prompt="a red ball on a table", seed=7, steps=5, negative_prompt="blurred"),
        api_key_id=KEY,
    )
    with world.database.reading() as session:
        known = versions.require_version(session, GENERATOR, version)
        engine = next(each for each in engines.engines(session, GENERATOR) if each.version == version)
    found = asyncio.run(world.painter.make_on(request, known, engine))
    with world.database.reading() as session:
        return generations.get(session, found.generation.id)


def order(world: World, record: StoredGeneration, version: int | None = None) -> UUID:
    with world.database.transaction() as session:
        return remaking.order(session, record, version, actor="ann", now=world.clock.now()).id


def standing(world: World, replay_id: UUID) -> KnownReplay:
    with world.database.reading() as session:
        return generation_replays.get(session, replay_id)


def make(world: World) -> None:
    remaker = Remaker(world.database, world.painter, world.clock, "gateway")
    while asyncio.run(remaker.step()):
        pass


def judge(world: World) -> None:
    ReplayJudge(world.database, world.painter, world.painter.embedder.digest, world.clock).run_once()


def replayed(world: World, record: StoredGeneration, version: int | None = None) -> KnownReplay:
    replay_id = order(world, record, version)
    make(world)
    judge(world)
    return standing(world, replay_id)


def test_a_replay_asks_for_what_was_recorded_and_is_recorded_like_any_other(world: World) -> None:
    original = made(world)
    asked = requested(original)
    assert (asked.prompt, asked.seed, asked.steps, asked.negative_prompt, asked.n) == (
        original.prompt,
        7,
        5,
        "blurred",
        1,
    )
    found = replayed(world, original)
    assert (found.state, found.result["likeness"]) == (ReplayState.JUDGED, Likeness.IDENTICAL)
    assert (found.result["pixel_distance"], found.result["embedding_distance"]) == (0.0, 0.0)
    assert found.made_id is not None
    with world.database.reading() as session:
        again = generations.get(session, found.made_id)
        audit = [(line.actor, line.action, line.target) for line in access.audit_page(session, None, 50)]
    assert (again.arm, again.seed, again.parameters, again.request_id) == (
        Arm.REPLAY,
        7,
        original.parameters,
        found.id,
    )
    assert ("ann", "generation.replay", str(original.id)) in audit


def test_the_tolerance_is_what_repetitions_on_these_machines_showed(world: World) -> None:
    world.painter.trembling = 3.0
    original = made(world)
    assert replayed(world, original).result["likeness"] == Likeness.NOT_MEASURED
    world.probe()  # stores outputs, and repeats some of them
    usual = replayed(world, original).result
    assert usual["likeness"] == Likeness.WITHIN_TOLERANCE
    assert usual["tolerance"]["n"] == 24
    assert usual["devices"] == ["cpu float32", "cpu float32"]
    world.painter.trembling = 30.0
    odd = replayed(world, original).result
    assert odd["likeness"] == Likeness.BEYOND_TOLERANCE
    assert odd["pixel_distance"] > odd["tolerance"]["pixel_max"]


def test_two_devices_are_held_against_each_other_by_what_both_made_of_one_set(world: World) -> None:
    original = made(world)
    world.probe()
    with world.database.transaction() as session:
        generations.add_environments(session, {"sha256:gpu": {"device": "cuda", "dtype": "float32"}}, world.clock.now())
        [old] = [each for each in engines.engines(session, GENERATOR) if each.version == 1]
        engines.put(session, replace(old, environment_digest="sha256:gpu"))
    world.painter.trembling = 2.0
    assert replayed(world, original).result["likeness"] == Likeness.NOT_MEASURED
    with world.database.transaction() as session:
        requesting.store_outputs(
            session,
            generator=GENERATOR,
            version=1,
            probe_set="synthetic",
            actor="ann",
            now=world.clock.now(),
        )
    world.make()
    world.judge.run_once()
    found = replayed(world, original).result
    assert found["devices"] == ["cpu float32", "cuda float32"]
    assert found["likeness"] == Likeness.WITHIN_TOLERANCE
    assert found["tolerance"]["pixel_max"] > 0


def test_another_version_tells_distances_and_claims_nothing(world: World) -> None:
    original = made(world)
    found = replayed(world, original, version=2)
    assert (found.version, found.result["likeness"]) == (2, Likeness.OTHER_VERSION)
    assert found.result["pixel_distance"] > 0


def test_a_version_nobody_holds_is_held_for_it_and_given_up_in_the_end(world: World) -> None:
    original = made(world, version=2)
    with world.database.transaction() as session:
        [old] = [each for each in engines.engines(session, GENERATOR) if each.version == 2]
        engines.put(session, replace(old, state=EngineState.STOPPED))
    replay_id = order(world, original)
    make(world)
    assert standing(world, replay_id).state is ReplayState.LOADING
    with world.database.reading() as session:
        assert generation_replays.to_be_held(session) == [(GENERATOR, 2)]
    world.clock.advance(15 * 60 + 1)
    make(world)
    failed = standing(world, replay_id)
    assert (failed.state, failed.error_code) == (ReplayState.FAILED, "no_engine_ready")
    with world.database.reading() as session:
        assert generation_replays.to_be_held(session) == []


def test_a_version_that_cannot_be_loaded_says_why(world: World) -> None:
    original = made(world, version=2)
    replay_id = order(world, original)
    with world.database.transaction() as session:
        [old] = [each for each in engines.engines(session, GENERATOR) if each.version == 2]
        broken = replace(old, state=EngineState.FAILED, detail="out of memory", started_at=world.clock.now())
        engines.put(session, broken)
    make(world)
    failed = standing(world, replay_id)
    assert (failed.error_code, failed.error) == ("engine_failed", "Version 2 could not be loaded: out of memory.")


def test_an_image_that_is_not_made_is_a_failure_and_not_another_image(world: World) -> None:
    original = made(world)
    world.painter.lost = True
    failed = replayed(world, original)
    assert (failed.state, failed.error_code) == (ReplayState.FAILED, "engine_lost")


@pytest.mark.parametrize("parameters", [["steps"], {"steps": [5]}], ids=["as it is read", "as it is made"])
def test_one_that_fails_in_a_way_nobody_thought_of_has_failed_and_lets_the_others_by(
    world: World, parameters: object
) -> None:
    original = made(world)
    poisoned, sound = order(world, original), order(world, made(world))
    with world.database.transaction() as session:
        session.execute(update(GenerationRow).where(GenerationRow.id == original.id).values(parameters=parameters))
    make(world)
    failed = standing(world, poisoned)
    assert (failed.state, failed.error_code) == (ReplayState.FAILED, "replay_failed")
    assert "log" in failed.error
    assert standing(world, sound).state is ReplayState.MADE


def test_one_that_cannot_be_judged_lets_the_others_by_and_has_failed_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = made(world)
    poisoned, sound = order(world, original), order(world, made(world))
    make(world)
    read = world.painter.read

    def away(key: str) -> bytes:
        if key == original.image_key:
            raise PermissionError("the store refuses it")
        return read(key)

    monkeypatch.setattr(world.painter, "read", away)
    judge(world)
    assert [standing(world, each).state for each in (poisoned, sound)] == [ReplayState.MADE, ReplayState.JUDGED]
    world.clock.advance(GIVEN_UP_AFTER.total_seconds() + 1)
    judge(world)
    assert standing(world, poisoned).error_code == "replay_failed"


def test_what_is_deleted_meanwhile_is_said_so_in_the_end(world: World) -> None:
    original = made(world)
    replay_id = order(world, original)
    make(world)
    with world.database.transaction() as session:
        retention.forget(session, [original.id])
    judge(world)
    assert standing(world, replay_id).state is ReplayState.MADE, "it may only be on its way"
    world.clock.advance(PATIENCE / timedelta(seconds=1) + 1)
    judge(world)
    assert standing(world, replay_id).error_code == "image_not_kept"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"source": "ingest"}, "made elsewhere"),
        ({"outcome": Outcome.FILTERED}, "no image"),
        ({"image_key": None}, "no image any more"),
        ({"envelope": {"redacted": True}}, "taken out of its prompt"),
    ],
)
def test_what_cannot_be_made_again_is_refused_and_says_why(world: World, changed: dict[str, object], why: str) -> None:
    record = replace(made(world), **changed)  # type: ignore[arg-type]  # fields by name
    with pytest.raises(SafelightError, match=why) as refused:
        order(world, record)
    assert refused.value.code == "cannot_replay"
    with pytest.raises(SafelightError) as unknown:
        order(world, made(world), version=99)
    assert unknown.value.code == "version_not_found"
