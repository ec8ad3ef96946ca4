"""A host carries out a drill: in a spare engine, behind everything else, and says how long it took."""

from datetime import timedelta

import pytest

from registry.external import parse_external
from safelight.ids import new_id
from safelight.serving import host as host_module
from safelight.serving.desired import Bundle
from safelight.store import drills, engines, versions
from safelight.store.drills import DrillReason, DrillState, KnownDrill
from safelight.store.engines import EngineState
from safelight.store.residency import Residency
from safelight.store.versions import KnownVersion

from .stage import GB, Child, Scene  # noqa: TID252


@pytest.fixture
def serving(scene: Scene) -> Scene:
    """Version 1 serves; nothing waits beside it."""
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
    return scene


def order(scene: Scene, version: int = 2) -> KnownDrill:
    now, manifest = scene.clock.now(), parse_external({"name": "sprites"})
    with scene.database.transaction() as session:
        versions.put_version(session, KnownVersion("sprites", version, manifest.digest, manifest, "", now, "ann"))
        return drills.order(session, "sprites", version, "ann", now, now + timedelta(hours=1))


def drilled(scene: Scene, drill: KnownDrill) -> KnownDrill:
    with scene.database.reading() as session:
        return drills.require(session, drill.id)


def fetched(scene: Scene, size: int = GB) -> Child:
    """The checkpoint of version 2 has come, and its size is known: the engine that now loads it."""
    scene.step(1.0)
    asleep = Child.every[-1]
    asleep.become(EngineState.STANDBY, fetch_seconds=3.0)
    scene.host._accounts.fetched(Bundle("sprites", 2, spare=True), size)
    scene.step()
    assert asleep.released
    asleep.become(EngineState.STOPPED)
    scene.step()
    scene.step()
    return Child.every[-1]


def test_a_spare_engine_is_held_until_it_is_ready_and_gets_no_traffic(serving: Scene) -> None:
    drill = order(serving)
    spare = fetched(serving)
    assert drilled(serving, drill).state is DrillState.RUNNING
    spare.become(EngineState.READY, port=1, fetch_seconds=1.0, load_seconds=4.0, check_seconds=2.0, bytes_total=GB)
    serving.step()
    with serving.database.reading() as session:
        since = serving.clock.now() - timedelta(seconds=5)
        assert [engine.version for engine in engines.ready(session, since)] == [1]
        assert drills.unverified(session, "sprites") == frozenset()
    done = drilled(serving, drill)
    assert (done.state, done.host, done.size_bytes) == (DrillState.PASSED, "test-host", GB)
    assert (done.fetch_seconds, done.load_seconds, done.check_seconds, done.seconds) == (3.0, 4.0, 2.0, 9.0)
    serving.step()
    serving.step(host_module.DRAIN_AT_LEAST)
    assert spare.released
    assert not Child.every[0].released


def test_a_version_that_draws_something_else_has_failed_and_is_not_verified_any_more(serving: Scene) -> None:
    drill = order(serving)
    fetched(serving).become(EngineState.FAILED, detail="ValueError: golden_different: the golden prompt 'a cat' ...")
    serving.step()
    done = drilled(serving, drill)
    assert (done.state, done.reason, done.seconds) == (DrillState.FAILED, DrillReason.GOLDEN_FAILED, None)
    with serving.database.reading() as session:
        assert drills.unverified(session, "sprites") == {2}


def test_one_for_which_there_is_no_room_waits_and_is_never_failed(serving: Scene) -> None:
    drill = order(serving)
    serving.step(1.0)
    asleep = Child.every[-1]
    asleep.become(EngineState.STANDBY, fetch_seconds=3.0)
    serving.host._accounts.fetched(Bundle("sprites", 2, spare=True), 500 * GB)
    for _ in range(3):
        serving.step(10.0)
    waiting = drilled(serving, drill)
    assert (waiting.state, waiting.reason) == (DrillState.RUNNING, DrillReason.NO_ROOM)
    assert not asleep.released


def test_it_makes_room_for_what_is_to_serve_and_is_begun_anew(serving: Scene) -> None:
    drill = order(serving)
    spare = fetched(serving, size=20 * GB)
    serving.used = 40 * GB
    serving.fetch(4, 60 * GB)
    serving.release(4)
    serving.step()
    assert spare.released
    spare.become(EngineState.STOPPED)
    serving.step()
    assert (4, EngineState.STARTING) in serving.rows()
    assert drilled(serving, drill).state is DrillState.RUNNING


def test_a_host_that_fell_silent_is_relieved_and_one_that_was_relieved_says_no_more(serving: Scene) -> None:
    drill = order(serving)
    fetched(serving)
    with serving.database.transaction() as session:
        now = serving.clock.now()
        assert not drills.claim(session, drill.id, "other-host", now + drills.SILENT / 2)
        assert drills.claim(session, drill.id, "other-host", now + 2 * drills.SILENT)
    Child.every[-1].become(EngineState.READY, port=1)
    serving.step()
    taken_over = drilled(serving, drill)
    assert (taken_over.state, taken_over.host) == (DrillState.RUNNING, "other-host")


def test_a_drill_of_another_host_is_left_alone(serving: Scene) -> None:
    drill = order(serving)
    with serving.database.transaction() as session:
        assert drills.claim(session, drill.id, f"host-{new_id()}", serving.clock.now())
    serving.step(1.0)
    assert len(Child.every) == 1
    assert Residency.DISK not in serving.residencies().values()
