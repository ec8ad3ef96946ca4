"""Where a host has versions wait that it may have to go back to."""

from pathlib import Path

import pytest

from safelight.serving import host as host_module
from safelight.store import engines
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.residency import Residency
from tests.integration.serving.stage import GB, Child, Scene


def test_a_version_to_go_back_to_waits_on_the_disk_where_there_is_no_room(scene: Scene) -> None:
    scene.used = 98 * GB
    scene.release(1)
    scene.release(2)
    scene.step()
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.DISK}
    serving, waiting = Child.every
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
    Child.every[1].become(EngineState.STANDBY)
    scene.step()
    Child.every[1].become(EngineState.STOPPED)
    scene.step()
    assert scene.residencies() == {1: Residency.DEVICE, 7: Residency.DEVICE}


def test_what_an_engine_was_measured_to_take_counts_from_then_on(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    scene.ready(*Child.every)
    serving, waiting = Child.every
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
    Child.every = []
    monkeypatch.setattr(host_module, "EngineChild", Child)
    scene = Scene(database, tmp_path, device="cuda")
    scene.release(1)
    scene.release(2)
    scene.step()
    # Nothing is known of the GPU yet: what waits leaves it alone.
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.HOST}
    serving, waiting = Child.every
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
    assert len(Child.every) == 2, "it is not loaded again"
    waiting.become(
        EngineState.READY, port=1, host_bytes=2 * GB, device_bytes=9 * GB, memory_used=79 * GB, memory_total=80 * GB
    )
    scene.step()
    assert (1, EngineState.READY) in scene.rows()
    # What served before takes more of the GPU than is to spare, and makes room.
    scene.step(host_module.DRAIN_AT_LEAST)
    assert serving.released


class Ahead:
    """In place of a host's processes: whether one is kept started ahead, and what it takes."""

    def __init__(self) -> None:
        self._kept = False

    def is_kept(self) -> bool:
        return self._kept

    def start_ahead(self) -> None:
        self._kept = True

    def end_ahead(self) -> None:
        self._kept = False

    @property
    def memory_ahead(self) -> int:
        return GB // 2 if self._kept else 0


@pytest.fixture
def ahead(scene: Scene) -> Ahead:
    kept = Ahead()
    scene.host._processes = kept  # type: ignore[assignment]
    scene.host._starts_ahead = True
    return kept


def test_a_process_is_started_ahead_when_no_engine_starts_any_more(scene: Scene, ahead: Ahead) -> None:
    scene.release(1)
    scene.step()
    assert not ahead.is_kept()
    scene.ready(*Child.every)
    assert ahead.is_kept()
    scene.host.close()
    assert not ahead.is_kept()


def test_what_waits_for_its_version_goes_before_any_version_does(scene: Scene, ahead: Ahead) -> None:
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
    assert ahead.is_kept()
    scene.used = 95 * GB
    scene.step()
    assert not ahead.is_kept()
    scene.used = 10 * GB
    scene.step()
    assert ahead.is_kept()
