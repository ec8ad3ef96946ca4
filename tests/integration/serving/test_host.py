"""What an engine host does with its children and says in the store; the children themselves are stand-ins."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.checkpoint import Reading, inspect
from registry.fakes import FolderVersionStore, write_checkpoint
from registry.ledger import EntryKind
from registry.progress import State
from registry.versions import Version, VersionCorrupt
from safelight.errors import Kind, SafelightError
from safelight.ids import new_id
from safelight.serving import host as host_module
from safelight.serving.host import VersionSource
from safelight.store import baseline_jobs, engines, generation_replays, probe_sets, probes, releases, versions
from safelight.store.baseline_jobs import NewJob
from safelight.store.engines import EngineState
from safelight.store.probes import NewRun, Purpose
from safelight.store.versions import KnownVersion
from tests.integration.serving.conftest import WEIGHTS, make_manifest
from tests.integration.serving.stage import Child, Scene


class Asked(VersionSource):
    """Has no files, and notes whether those that are on this disk already were to be trusted."""

    trusted: bool | None = None

    def get(self, generator: str, number: int) -> Version:
        manifest = make_manifest(WEIGHTS / "good")
        return Version(generator, number, manifest.digest, manifest, datetime(2026, 1, 1, tzinfo=UTC), "")

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path:
        self.trusted = trust_unchanged
        raise VersionCorrupt(version.generator, version.number, "there are no files")


def trusted(scene: Scene, child: Child) -> bool | None:
    """Whether an engine is made from files that were verified before, without reading them."""
    scene.host._versions = asked = Asked()
    with pytest.raises(VersionCorrupt):
        child.prepare()
    return asked.trusted


def test_an_engine_is_told_of_from_its_start_to_its_readiness(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    assert scene.rows() == [(1, EngineState.STARTING)]
    scene.ready(*Child.every)
    with scene.database.reading() as session:
        [row] = engines.ready(session, scene.clock.now())
        assert engines.ready_versions(session, "sprites", scene.clock.now()) == {1}
    assert (row.url, row.host, row.pid, row.ready_at) == ("http://127.0.0.1:1234", "test-host", 1, scene.clock.now())


def test_heartbeats_come_every_second_and_a_silent_host_is_noticed(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
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
    second, first = Child.every
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
    scene.ready(*Child.every)
    scene.release(3)
    scene.step()
    scene.release(1)
    scene.step()
    assert (1, EngineState.READY) in scene.rows()
    assert not any(child.released for child in Child.every if child.status.pid == 2)


def test_a_crashed_engine_is_replaced_at_once_and_one_that_keeps_failing_rests(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
    Child.every[-1].kill()
    scene.step()
    assert scene.rows() == [(1, EngineState.FAILED), (1, EngineState.STARTING)]
    Child.every[-1].become(EngineState.FAILED, detail="golden_blank")
    scene.step()
    assert len(Child.every) == 2, "the second failure in a row costs a second of rest"
    with scene.database.reading() as session:
        failed = engines.last_failed(session, "sprites", 1, datetime(2026, 1, 1, tzinfo=UTC))
    assert failed is not None
    assert failed.detail == "golden_blank"
    scene.step(1.0)
    assert len(Child.every) == 3


def test_whatever_is_raised_the_host_looks_again_and_its_engines_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
    stop, step, failures = threading.Event(), scene.host.step, [ValueError("nobody thought of this")]

    def look() -> None:
        if failures:
            raise failures.pop()
        step()
        assert scene.rows() == [(1, EngineState.READY)]
        stop.set()

    monkeypatch.setattr(scene.host, "step", look)
    scene.host.run(stop)
    assert not failures
    assert [child.killed for child in Child.every] == [False]


def test_one_that_hangs_is_killed(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
    Child.every[0].hangs = True
    scene.step()
    assert Child.every[0].killed


def test_closing_ends_every_engine_and_says_so(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    scene.ready(*Child.every)
    scene.host.close()
    assert all(child.released for child in Child.every)
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
    assert [child.released for child in Child.every] == [False, False]
    with scene.database.transaction() as session:
        baseline_jobs.cancel(session, job.id, scene.clock.now())
    scene.host.step()
    assert [child.released for child in Child.every] == [False, True]


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
    scene.ready(*Child.every)
    for _ in range(20):
        scene.step()
    assert Child.every[1].released
    assert not Child.every[0].released


def test_probes_that_want_a_version_afresh_get_a_spare_engine_for_as_long_as_they_last(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
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
    serving, spare = Child.every
    scene.ready(spare)
    with scene.database.reading() as session:
        for_people = engines.ready(session, scene.clock.now() - timedelta(seconds=5))
        for_probes = engines.ready_for_probes(session, scene.clock.now() - timedelta(seconds=5))
        assert engines.last_restart(session, "sprites", 1) is None
    assert [engine.spare for engine in for_people] == [False]
    assert [engine.spare for engine in for_probes] == [False, True]
    assert [trusted(scene, child) for child in (serving, spare)] == [True, False]
    with scene.database.transaction() as session:
        probes.cancel(session, run.id, "", scene.clock.now())
    scene.step()
    scene.step(seconds=host_module.DRAIN_AT_LEAST)
    assert (serving.released, spare.released) == (False, True)


def test_a_copy_that_is_not_the_version_any_more_is_fetched_again(
    scene: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A crash may cut a deletion short; a disk may rot."""
    store = FolderVersionStore(tmp_path / "store", scene.clock.now)
    folder = write_checkpoint(tmp_path / "sprites")
    version = store.register("sprites", folder, make_manifest(folder))
    known = KnownVersion("sprites", 1, version.digest, version.manifest, "", scene.clock.now(), "tester")
    with scene.database.transaction() as session:
        versions.put_version(session, known)
    scene.host._versions = store
    scene.release(1)
    scene.step()
    [child] = Child.every
    pulled = child.prepare().folder
    (pulled / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert inspect(child.prepare().folder).digest == known.held.checkpoint
    assert "is not what was registered" in caplog.text
    (pulled / "README.md").write_text("another word")
    (Path(version.source) / "README.md").write_text("another word")
    with pytest.raises(VersionCorrupt):
        child.prepare()
    assert not pulled.exists(), "nothing is served from it"
