"""No window reaches behind a release, a restart of what serves, or a resolved incident; and none reads the past."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitors.verdict import Health
from registry.ledger import EntryKind
from safelight.ids import first_id_at
from safelight.store import engines, incidents
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.incidents import Resolution


def start_engine(world: Any, host: str = "gpu-1", version: int = 1) -> None:
    now = world.clock.now()
    engine = KnownEngine(
        id=first_id_at(now),
        generator="studio",
        version=version,
        host=host,
        pid=1,
        url="",
        state=EngineState.READY,
        detail="",
        environment_digest=None,
        started_at=now - timedelta(seconds=20),
        ready_at=now,
        heartbeat_at=now,
    )
    with world.database.transaction() as session:
        engines.put(session, engine)


def since(world: Any, at: datetime | None = None) -> datetime:
    with world.database.reading() as session:
        found: datetime = world.assessor.situation(session, "studio", at).since
    return found


def resolve_an_incident(world: Any) -> None:
    with world.database.transaction() as session:
        opened = incidents.open_incident(
            session,
            generator="studio",
            dedup_key="one",
            title="",
            monitor="conditional_drift",
            reason="conditional_drift",
            verdict_id=None,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence={},
            now=world.clock.now(),
        )
        incidents.resolve(session, opened.id, "anna", Resolution.BY_HAND, world.clock.now())


def release_anew(world: Any) -> None:
    world.release(EntryKind.PROMOTE, 2, 1)
    world.release(EntryKind.ROLLBACK, 1, 2)


@pytest.mark.parametrize("cut", [start_engine, resolve_an_incident, release_anew])
def test_what_lies_behind_a_repair_is_not_held_against_what_serves(world: Any, cut: Any) -> None:
    start_engine(world)
    for _ in range(4):
        bad = world.minute(fidelity=0.5)
    assert bad["conditional_drift"].verdict.health is Health.DEGRADED
    cut(world)
    assert since(world) == world.clock.now()
    for _ in range(3):
        answers = world.minute()
        assert answers["conditional_drift"].verdict.health is not Health.DEGRADED
    window = answers["conditional_drift"].verdict.window_seconds
    assert answers["conditional_drift"].verdict.health is Health.HEALTHY
    assert window is not None
    assert window <= 180


def test_a_cut_in_the_middle_of_a_minute_leaves_that_minute_out(world: Any) -> None:
    start_engine(world)
    world.log(200, fidelity=0.3)
    world.clock.advance(30)
    start_engine(world)
    world.clock.advance(-30)
    assert world.tick()["conditional_drift"].verdict.n == 0


def test_an_engine_on_a_new_host_replaces_nobody(world: Any) -> None:
    released = since(world)
    for host in ("gpu-1", "gpu-2", "gpu-3"):
        world.clock.advance(60)
        start_engine(world, host)
    assert since(world) == released
    world.clock.advance(60)
    start_engine(world, "gpu-2", version=2)
    assert since(world) == released, "another version's engine serves nobody here"
    start_engine(world, "gpu-2")
    assert since(world) == world.clock.now()


def test_the_past_is_seen_as_it_was(world: Any) -> None:
    released = since(world)
    start_engine(world)
    for cut in (start_engine, resolve_an_incident):
        world.clock.advance(60)
        cut(world)
    now = world.clock.now()
    assert [since(world, now - timedelta(seconds=s)) for s in (0, 1, 61)] == [now, now - timedelta(minutes=1), released]
    with world.database.reading() as session:
        assert world.assessor.situation(session, "studio", released - timedelta(seconds=1)) is None
