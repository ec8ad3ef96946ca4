"""Which engine makes which probes, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from safelight.ids import new_id
from safelight.probing.assigning import assign, is_overtaken, tasks
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.probes import KnownRun, Purpose, RunState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENGINE = KnownEngine(
    id=UUID(int=1),
    generator="studio",
    version=2,
    host="one",
    pid=1,
    url="http://one",
    state=EngineState.READY,
    detail="",
    environment_digest="sha256:e",
    started_at=NOON - timedelta(hours=1),
    ready_at=NOON,
    heartbeat_at=NOON,
)


def run(purpose: Purpose = Purpose.ROUTINE, **changed: object) -> KnownRun:
    known = KnownRun(
        generator="studio",
        version=2,
        set_id=UUID(int=2),
        purpose=purpose,
        places=tuple(range(16)),
        expires_at=NOON + timedelta(minutes=5),
        ordered_by="test",
        id=new_id(),
        state=RunState.ORDERED,
        detail="",
        ordered_at=NOON,
        claimed_by=None,
        claimed_until=None,
        replica=None,
        environment_digest=None,
        made_at=None,
        judged_at=None,
        reference_id=None,
        result={},
    )
    return replace(known, **changed)  # type: ignore[arg-type]  # fields by name


def making(purpose: Purpose = Purpose.BASELINE, **changed: object) -> KnownRun:
    claim = {"state": RunState.MAKING, "claimed_by": "a", "claimed_until": NOON + timedelta(minutes=1)}
    return run(purpose, **claim | {"replica": "one", "host": "one"} | changed)


def test_an_engine_makes_one_run_at_a_time_the_most_urgent_first() -> None:
    routine, asked, suspect = run(), run(Purpose.REQUESTED), run(Purpose.SUSPECT)
    assert assign([routine, asked, suspect], [ENGINE], NOON) == [(suspect, ENGINE)]
    other = replace(ENGINE, id=UUID(int=9), host="two")
    assert assign([routine, asked, suspect], [ENGINE, other], NOON) == [(suspect, ENGINE), (asked, other)]
    assert assign([routine, making()], [ENGINE], NOON) == []


def test_a_baseline_that_an_incident_waits_for_is_as_urgent() -> None:
    urgent = run(Purpose.BASELINE, incident_id=UUID(int=5))
    assert assign([run(Purpose.REQUESTED), urgent], [ENGINE], NOON)[0][0] == urgent


@pytest.mark.parametrize("elsewhere", [{"host": "two"}, {"version": 1}, {"generator": "portraits"}, {"fresh": True}])
def test_probes_go_only_where_they_are_meant_to_go(elsewhere: dict[str, object]) -> None:
    assert assign([replace(run(), **elsewhere)], [ENGINE], NOON) == []  # type: ignore[arg-type]  # fields by name


def test_a_fresh_run_takes_an_engine_that_was_loaded_for_it() -> None:
    fresh = run(Purpose.RELOAD, fresh=True)
    spare = replace(ENGINE, spare=True, started_at=NOON + timedelta(seconds=1))
    assert assign([fresh], [ENGINE, replace(spare, started_at=NOON - timedelta(seconds=1))], NOON) == []
    assert assign([fresh], [ENGINE, spare], NOON) == [(fresh, spare)]
    assert assign([run()], [spare], NOON) == []


def test_a_run_whose_claim_has_lapsed_is_taken_over() -> None:
    left = making(claimed_until=NOON - timedelta(seconds=1))
    assert assign([left], [ENGINE], NOON) == [(left, ENGINE)]


def test_what_is_made_gives_way_to_what_is_urgent_on_its_engine() -> None:
    baseline = making()
    assert is_overtaken(baseline, [run(Purpose.SUSPECT)])
    assert not is_overtaken(baseline, [run(Purpose.SUSPECT, host="two"), run(Purpose.RELOAD, fresh=True)])
    assert not is_overtaken(making(Purpose.SUSPECT), [run(), run(Purpose.TARGET)])


def test_repetitions_come_last_in_another_order_and_nothing_is_made_twice() -> None:
    wanted = tasks(run(places=tuple(range(20)), repeats=8), set())
    assert wanted[:20] == [(place, 0) for place in range(20)]
    again = [place for place, repeat in wanted if repeat == 1]
    assert sorted(again) == list(range(8))
    assert again != list(range(8))
    assert tasks(run(places=(4, 5, 6)), {(5, 0)}) == [(4, 0), (6, 0)]
