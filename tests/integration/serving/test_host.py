"""What an engine host does with its children and says in the store; the children themselves are stand-ins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from registry.ledger import Draft, EntryKind
from registry.progress import State
from safelight.clock import ManualClock
from safelight.errors import Kind, SafelightError
from safelight.ids import new_id
from safelight.serving import host as host_module
from safelight.serving.child import ChildStatus
from safelight.serving.control import EngineSpec
from safelight.serving.desired import Bundle
from safelight.serving.device import Memory
from safelight.serving.host import EngineHost
from safelight.settings import EngineSettings
from safelight.store import baseline_jobs, engines, generation_replays, ledger, probe_sets, probes, releases, versions
from safelight.store.baseline_jobs import NewJob
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.probes import NewRun, Purpose
from safelight.store.residency import Residency

GB = 2**30


class _Child:
    """Lives as a test says, and remembers what its host did."""

    every: list["_Child"]

    def __init__(self, _prepare: Callable[[], EngineSpec], _clock: object) -> None:
        self.status = ChildStatus(EngineState.STARTING, heard_at=0.0)
        self.hangs = self.released = self.killed = self.woken = False
        _Child.every.append(self)

    def start(self) -> None:
        self.become(EngineState.STARTING, pid=len(_Child.every))

    def become(self, state: EngineState, **changed: Any) -> None:
        self.status = replace(self.status, state=state, **changed)

    def release(self) -> None:
        self.released = True

    def wake(self) -> None:
        self.woken = True

    def kill(self) -> None:
        self.killed = True
        self.become(EngineState.FAILED, detail="the process ended by itself (signal 9)")

    def join(self, seconds: float) -> bool:
        if self.released and seconds:
            self.become(EngineState.STOPPED)
        return self.status.ended


class Scene:
    def __init__(self, database: Database, tmp_path: Path, device: str = "cpu") -> None:
        self.database = database
        self.clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.used = 10 * GB
        self.host = EngineHost(
            database=database,
            version_store=None,  # type: ignore[arg-type]  # stand-ins fetch nothing
            settings=EngineSettings(keep_warm=1, device=device),
            token=SecretStr("a token"),
            checkpoints=tmp_path,
            name="test-host",
            clock=self.clock,
            machine=lambda: Memory(used=self.used, total=100 * GB),
        )
        with database.transaction() as session:
            versions.add_generator(session, "sprites", "", self.clock.now())
        for version in (1, 2, 3):
            self.fetch(version)

    def fetch(self, version: int, size: int = GB) -> None:
        """Stand-ins fetch nothing: what a checkpoint takes on the disk is told to the host's accounts instead."""
        self.host._accounts.fetched(Bundle("sprites", version), size)

    def residencies(self) -> dict[int, Residency]:
        with self.database.reading() as session:
            living = [row for row in engines.engines(session, "sprites") if row.state in engines.LIVING]
        return {row.version: row.residency for row in living}

    def release(self, version: int) -> None:
        with self.database.transaction() as session:
            before = ledger.newest_release(session, "sprites")
            draft = Draft(
                generator="sprites",
                scope=ledger.DEFAULT_SCOPE,
                kind=EntryKind.PROMOTE,
                from_version=before.to_version if before else None,
                to_version=version,
                to_digest="sha256:" + "0" * 64,
                actor="tester",
                reason="",
            )
            ledger.add(session, draft, self.clock.now())

    def rows(self) -> list[tuple[int, EngineState]]:
        with self.database.reading() as session:
            return [(row.version, row.state) for row in reversed(engines.engines(session, "sprites"))]

    def step(self, seconds: float = 0.2) -> None:
        self.clock.advance(seconds)
        self.host.step()

    def ready(self, *children: _Child) -> None:
        for child in children:
            child.become(EngineState.READY, port=1234, environment_digest="sha256:environment")
        self.step()


@pytest.fixture
def scene(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    _Child.every = []
    monkeypatch.setattr(host_module, "EngineChild", _Child)
    return Scene(database, tmp_path)


def test_an_engine_is_told_of_from_its_start_to_its_readiness(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    assert scene.rows() == [(1, EngineState.STARTING)]
    scene.ready(*_Child.every)
    with scene.database.reading() as session:
        [row] = engines.ready(session, scene.clock.now())
        assert engines.ready_versions(session, "sprites", scene.clock.now()) == {1}
    assert (row.url, row.host, row.pid, row.ready_at) == ("http://127.0.0.1:1234", "test-host", 1, scene.clock.now())


def test_heartbeats_come_every_second_and_a_silent_host_is_noticed(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*_Child.every)
    for _ in range(20):
        scene.step()
        with scene.database.reading() as session:
            [row] = engines.engines(session)
        assert (scene.clock.now() - row.heartbeat_at).total_seconds() <= 1.2
    scene.clock.advance(60)
    with scene.database.transaction() as session:
        engines.fail_silent(session, scene.clock.now())
    assert scene.rows() == [(1, EngineState.FAILED)]
    scene.step()
    assert scene.rows() == [(1, EngineState.READY)]


def test_the_target_of_a_release_is_loaded_before_it_serves(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    with scene.database.transaction() as session:
        release = releases.add(
            session,
            generator="sprites",
            kind=EntryKind.PROMOTE,
            from_version=1,
            to_version=2,
            actor="tester",
            reason="",
            incident_id=None,
            now=scene.clock.now(),
        )
        releases.move(session, release, State.PREPARING, scene.clock.now())
    scene.step()
    assert scene.rows() == [(1, EngineState.STARTING), (2, EngineState.STARTING)]


def test_what_is_no_longer_wanted_drains_before_it_ends_and_before_another_starts(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    second, first = _Child.every
    scene.ready(first, second)
    first.become(EngineState.READY, in_flight=1)
    scene.release(3)
    scene.step()
    assert scene.rows() == [(2, EngineState.READY), (1, EngineState.DRAINING)]
    scene.step(10.0)
    assert [first.released] == [False], "it still makes an image"
    first.become(EngineState.READY, in_flight=0)
    scene.step()
    assert first.released
    first.become(EngineState.STOPPED)
    scene.step()
    assert scene.rows() == [(2, EngineState.READY), (1, EngineState.STOPPED), (3, EngineState.STARTING)]


def test_one_that_is_wanted_again_while_it_drains_goes_on(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    scene.ready(*_Child.every)
    scene.release(3)
    scene.step()
    scene.release(1)
    scene.step()
    assert (1, EngineState.READY) in scene.rows()
    assert not any(child.released for child in _Child.every if child.status.pid == 2)


def test_a_crashed_engine_is_replaced_at_once_and_one_that_keeps_failing_rests(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*_Child.every)
    _Child.every[-1].kill()
    scene.step()
    assert scene.rows() == [(1, EngineState.FAILED), (1, EngineState.STARTING)]
    _Child.every[-1].become(EngineState.FAILED, detail="golden_blank")
    scene.step()
    assert len(_Child.every) == 2, "the second failure in a row costs a second of rest"
    with scene.database.reading() as session:
        assert engines.last_failure(session, "sprites", 1, datetime(2026, 1, 1, tzinfo=UTC)) == "golden_blank"
    scene.step(1.0)
    assert len(_Child.every) == 3


def test_one_that_hangs_is_killed(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*_Child.every)
    _Child.every[0].hangs = True
    scene.step()
    assert _Child.every[0].killed


def test_closing_ends_every_engine_and_says_so(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    scene.ready(*_Child.every)
    scene.host.close()
    assert all(child.released for child in _Child.every)
    assert {state for _, state in scene.rows()} == {EngineState.STOPPED}


def test_a_replays_version_is_held_beside_what_serves_for_as_long_as_it_takes(scene: Scene) -> None:
    scene.release(1)
    scene.host.step()
    with scene.database.transaction() as session:
        job = baseline_jobs.add(
            session,
            NewJob(
                generator="sprites",
                version=2,
                name="candidate",
                source="replay",
                data_from=None,
                data_to=None,
                prompts=[{"prompt": "a cat", "seed": 1}],
                created_by="anna",
            ),
            scene.clock.now(),
        )
    scene.host.step()
    assert [child.released for child in _Child.every] == [False, False]
    with scene.database.transaction() as session:
        baseline_jobs.cancel(session, job.id, scene.clock.now())
    scene.host.step()
    assert [child.released for child in _Child.every] == [False, True]


def test_the_version_of_the_oldest_generation_to_be_made_again_is_held_and_no_other(scene: Scene) -> None:
    scene.release(1)
    now = scene.clock.now()
    with scene.database.transaction() as session:
        oldest, _ = (
            generation_replays.order(
                session, generation_id=new_id(), generator="sprites", version=version, actor="ann", now=now
            )
            for version in (2, 3)
        )
    scene.step()
    assert [version for version, _ in scene.rows()] == [1, 2]
    with scene.database.transaction() as session:
        generation_replays.fail(session, oldest.id, SafelightError(Kind.UNAVAILABLE, "engine_lost", ""), now)
    scene.ready(*_Child.every)
    for _ in range(20):
        scene.step()
    assert _Child.every[1].released
    assert not _Child.every[0].released


def test_probes_that_want_a_version_afresh_get_a_spare_engine_for_as_long_as_they_last(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*_Child.every)
    with scene.database.transaction() as session:
        now = scene.clock.now()
        kept = probe_sets.add(
            session, generator="sprites", name="s", source="test", probes=[{"prompt": "x"}], now=now, actor="tester"
        )
        order = NewRun(
            generator="sprites",
            version=1,
            set_id=kept.id,
            purpose=Purpose.RELOAD,
            places=(0,),
            expires_at=now,
            ordered_by="tester",
            host="test-host",
            fresh=True,
        )
        run = probes.order(session, order, now)
    scene.step()
    serving, spare = _Child.every
    scene.ready(spare)
    with scene.database.reading() as session:
        for_people = engines.ready(session, scene.clock.now() - timedelta(seconds=5))
        for_probes = engines.ready_for_probes(session, scene.clock.now() - timedelta(seconds=5))
        assert engines.last_restart(session, "sprites", 1) is None
    assert [engine.spare for engine in for_people] == [False]
    assert [engine.spare for engine in for_probes] == [False, True]
    with scene.database.transaction() as session:
        probes.cancel(session, run.id, "", scene.clock.now())
    scene.step()
    scene.step(seconds=host_module.DRAIN_AT_LEAST)
    assert (serving.released, spare.released) == (False, True)


def test_a_version_to_go_back_to_waits_on_the_disk_where_there_is_no_room(scene: Scene) -> None:
    scene.used = 98 * GB
    scene.release(1)
    scene.release(2)
    scene.step()
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.DISK}
    serving, waiting = _Child.every
    scene.ready(serving)
    waiting.become(EngineState.STANDBY)
    scene.step()
    assert scene.rows() == [(2, EngineState.READY), (1, EngineState.STANDBY)]
    # Room comes: it is loaded. Its place on the disk took nothing, so there is nothing to wait for.
    scene.used = 10 * GB
    scene.step()
    assert waiting.released
    waiting.become(EngineState.STOPPED)
    scene.step()
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.DEVICE}


def test_one_that_was_never_fetched_is_fetched_before_anybody_can_say_whether_it_fits(scene: Scene) -> None:
    scene.release(7)
    scene.release(1)
    scene.step()
    assert scene.residencies() == {1: Residency.DEVICE, 7: Residency.DISK}
    scene.fetch(7)
    _Child.every[1].become(EngineState.STANDBY)
    scene.step()
    _Child.every[1].become(EngineState.STOPPED)
    scene.step()
    assert scene.residencies() == {1: Residency.DEVICE, 7: Residency.DEVICE}


def test_what_an_engine_was_measured_to_take_counts_from_then_on(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    scene.ready(*_Child.every)
    serving, waiting = _Child.every
    waiting.become(EngineState.READY, host_bytes=60 * GB)
    scene.used = 96 * GB
    scene.step()
    with scene.database.reading() as session:
        taken = {row.version: row.host_bytes for row in engines.engines(session, "sprites")}
    assert taken == {2: None, 1: 60 * GB}
    scene.step(host_module.DRAIN_AT_LEAST)
    assert (serving.released, waiting.released) == (False, True)
    waiting.become(EngineState.STOPPED)
    scene.used = 36 * GB
    scene.step()
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.DISK}


def test_one_that_waits_in_memory_is_woken_when_it_is_released(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _Child.every = []
    monkeypatch.setattr(host_module, "EngineChild", _Child)
    scene = Scene(database, tmp_path, device="cuda")
    scene.release(1)
    scene.release(2)
    scene.step()
    # Nothing is known of the GPU yet: what waits leaves it alone.
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.HOST}
    serving, waiting = _Child.every
    scene.ready(serving)
    waiting.become(EngineState.STANDBY)
    serving.become(
        EngineState.READY, host_bytes=2 * GB, device_bytes=70 * GB, memory_used=75 * GB, memory_total=80 * GB
    )
    scene.step()
    assert scene.rows() == [(2, EngineState.READY), (1, EngineState.STANDBY)]
    scene.release(1)
    scene.step()
    assert (waiting.woken, waiting.released) == (True, False)
    assert len(_Child.every) == 2, "it is not loaded again"
    waiting.become(
        EngineState.READY, port=1, host_bytes=2 * GB, device_bytes=9 * GB, memory_used=79 * GB, memory_total=80 * GB
    )
    scene.step()
    assert (1, EngineState.READY) in scene.rows()
    # What served before takes more of the GPU than is to spare, and makes room.
    scene.step(host_module.DRAIN_AT_LEAST)
    assert serving.released
