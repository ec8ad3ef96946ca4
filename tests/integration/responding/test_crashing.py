"""A version whose engines keep dying: one incident, told once, and closed when it is over."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from safelight.ids import new_id
from safelight.responding.crashing import CrashWatch, crash_loops
from safelight.store import engines, incidents
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import KnownIncident, Resolution

from .conftest import GENERATOR, LINKS, NOON, Scene  # noqa: TID252


class Leads:
    leading = True

    def held(self) -> bool:
        return self.leading


@pytest.fixture
def leads() -> Leads:
    return Leads()


@pytest.fixture
def watch(scene: Scene, leads: Leads) -> CrashWatch:
    return CrashWatch(scene.database, leads, LINKS, scene.clock)


def engine(scene: Scene, state: EngineState, *, version: int = 2, steady: bool = False, detail: str = "") -> UUID:
    """Ten seconds on, an engine of a version stands or has ended on host b."""
    scene.clock.advance(10)
    now = scene.clock.now()
    known = KnownEngine(
        id=new_id(), generator=GENERATOR, version=version, host="b", pid=1, url="", state=state,
        detail=detail or "the process ended by itself (signal 9)", environment_digest=None, started_at=now,
        ready_at=now - timedelta(minutes=5) if steady else None, heartbeat_at=now,
    )  # fmt: skip
    with scene.database.transaction() as session:
        engines.put(session, known)
    return known.id


def crash(scene: Scene, times: int, version: int = 2) -> None:
    for _ in range(times):
        engine(scene, EngineState.FAILED, version=version)


def opened(scene: Scene) -> list[KnownIncident]:
    with scene.database.reading() as session:
        return incidents.open_incidents(session, GENERATOR)


def test_a_crash_or_two_are_no_incident(scene: Scene, watch: CrashWatch) -> None:
    crash(scene, 2)
    assert watch.run_once() == 0
    assert opened(scene) == []


def test_a_crash_loop_is_one_incident_however_long_it_goes_on(scene: Scene, watch: CrashWatch) -> None:
    crash(scene, 3)
    assert watch.run_once() == 1
    crash(scene, 20)
    assert watch.run_once() == 0
    [incident] = opened(scene)
    assert (incident.monitor, incident.reason) == ("engines", "engine_crash_loop")
    assert incident.title == "Version 2 of studio: engines keep crashing on b"
    assert (incident.suspect_version, incident.suggested_target) == (2, 1)
    assert len(incident.evidence["deaths"]) == 3
    assert "signal 9" in incident.evidence["deaths"][0]["detail"]
    assert [event for event, _ in scene.told()] == ["incident.opened"]


def test_of_a_version_that_does_not_serve_nothing_is_to_be_rolled_back(scene: Scene, watch: CrashWatch) -> None:
    crash(scene, 3, version=1)
    watch.run_once()
    [incident] = opened(scene)
    assert (incident.suspect_version, incident.suggested_target) == (None, None)
    # Nor does the release that serves end it.
    scene.tick()
    assert [each.id for each in opened(scene)] == [incident.id]


def test_one_that_serves_for_a_while_ends_it(scene: Scene, watch: CrashWatch) -> None:
    crash(scene, 4)
    watch.run_once()
    [incident] = opened(scene)
    engine(scene, EngineState.READY)
    assert watch.run_once() == 0
    engine(scene, EngineState.READY, steady=True)
    assert watch.run_once() == 1
    with scene.database.reading() as session:
        closed = incidents.require(session, incident.id)
    assert (closed.state, closed.resolution) == (IncidentState.RESOLVED, Resolution.RECOVERED)
    assert [event for event, _ in scene.told()] == ["incident.opened", "incident.resolved"]


def test_so_does_nobody_trying_any_more(scene: Scene, watch: CrashWatch) -> None:
    crash(scene, 3)
    watch.run_once()
    scene.clock.advance(11 * 60)
    assert watch.run_once() == 1
    assert opened(scene) == []


def test_a_rollback_resolves_it_like_any_other(scene: Scene, watch: CrashWatch) -> None:
    crash(scene, 3)
    watch.run_once()
    scene.rollback()
    scene.recovery = type(scene.recovery).RECOVERED
    assert scene.tick() == []


def test_only_the_worker_that_leads_acts(scene: Scene, watch: CrashWatch, leads: Leads) -> None:
    crash(scene, 3)
    leads.leading = False
    assert watch.run_once() == 0


def known(state: EngineState, at: int, **changes: object) -> KnownEngine:
    moment = NOON + timedelta(seconds=at)
    base = KnownEngine(
        id=UUID(int=at + 1), generator="g", version=1, host="h", pid=1, url="", state=state, detail="died",
        environment_digest=None, started_at=moment, ready_at=None, heartbeat_at=moment,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]  # the fields' own names


def test_deaths_are_counted_by_machine_and_version_since_one_last_served() -> None:
    died = [known(EngineState.FAILED, at) for at in range(5)]
    assert len(crash_loops(died, NOON)[0].deaths) == 5
    assert crash_loops([replace(each, host=f"h{place % 3}") for place, each in enumerate(died)], NOON) == []
    assert crash_loops([replace(each, version=place % 3) for place, each in enumerate(died)], NOON) == []
    assert crash_loops([replace(each, spare=True) for each in died], NOON) == []
    served = known(EngineState.FAILED, 2, ready_at=NOON - timedelta(hours=1))
    assert len(crash_loops([*died[:2], served, *died[3:]], NOON)[0].deaths) == 3
    stopped = known(EngineState.STOPPED, 2)
    assert crash_loops([*died[:2], stopped, *died[3:]], NOON) == []


def test_a_host_that_falls_silent_says_nothing_about_its_engines() -> None:
    silent = [known(EngineState.FAILED, at, detail=engines.SILENT) for at in range(5)]
    assert crash_loops(silent, NOON) == []
