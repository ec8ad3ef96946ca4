"""Where a host has versions wait that it may have to go back to."""

from pathlib import Path
from typing import Any

import pytest

from safelight.serving import host as host_module
from safelight.serving.desired import Bundle
from safelight.serving.wants import WantedAlone
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


@pytest.mark.usefixtures("stand_ins")
def test_one_that_waits_in_memory_is_woken_when_it_is_released(database: Database, tmp_path: Path) -> None:
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


def test_a_process_is_started_ahead_when_no_engine_starts_any_more(scene: Scene) -> None:
    scene.release(1)
    scene.step()
    assert not scene.keeps_ahead()
    scene.ready(*Child.every)
    assert scene.keeps_ahead()
    scene.host.close()
    assert not scene.keeps_ahead()


def test_it_goes_before_any_version_does_and_takes_no_room_from_one(scene: Scene) -> None:
    scene.release(1)
    scene.release(2)
    scene.step()
    scene.ready(*Child.every)
    assert scene.keeps_ahead()
    # Without what the process takes, which is half a gigabyte, there is a little room left, but not for it.
    scene.used = 95 * GB + GB // 4
    scene.step()
    assert not scene.keeps_ahead()
    assert scene.residencies() == {2: Residency.DEVICE, 1: Residency.DEVICE}
    scene.used = 10 * GB
    scene.step()
    assert scene.keeps_ahead()


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize(
    "how", [{"start_ahead": False}, {"wants": WantedAlone(Bundle("sprites", 1))}], ids=["switched off", "a Ray replica"]
)
def test_none_is_started_ahead_where_none_is_to_be(database: Database, tmp_path: Path, how: dict[str, Any]) -> None:
    scene = Scene(database, tmp_path, **how)
    scene.release(1)
    scene.step()
    scene.ready(*Child.every)
    assert scene.rows() == [(1, EngineState.READY)]
    assert not scene.keeps_ahead()
