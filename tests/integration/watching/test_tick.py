"""One leader, one tick a slot, and no slot that goes missing unseen."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from safelight.store import leases, slots
from safelight.store.slots import SlotState
from safelight.store.tables import VerdictRow
from safelight.watching.lease import LEASE

ASKED = 8
"""Monitors that have a question for a first version: what is held against the version before has none."""


def states(world: Any) -> list[tuple[float, SlotState]]:
    """Slots on record by minutes before the present one, the newest first."""
    with world.database.reading() as session:
        found = slots.page(session, "studio")
    return [((world.clock.now() - slot.slot) / timedelta(minutes=1), slot.state) for slot in found]


def verdict_count(world: Any) -> int:
    with world.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(VerdictRow)) or 0)


def test_a_slot_runs_once(world: Any) -> None:
    world.leadership.renew()
    assert [world.ticker.run_once() for _ in range(3)] == [1, 0, 0]
    assert len(world.responder.handed) == 1
    assert verdict_count(world) == ASKED


def test_two_that_both_believe_to_lead_keep_one_tick(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with the lease out of the way, a slot belongs to whoever writes its row first."""
    tickers = []
    for name in ("one", "two"):
        leadership, ticker = world.worker(name)
        monkeypatch.setattr(leadership, "held", lambda: True)
        monkeypatch.setattr(leadership, "confirm", lambda session: True)
        tickers.append(ticker)
    barrier = threading.Barrier(2)
    assess = world.assessor.assess

    def assess_together(*question: Any) -> Any:
        answers = assess(*question)
        barrier.wait(20)
        return answers

    monkeypatch.setattr(world.assessor, "assess", assess_together)
    with ThreadPoolExecutor(2) as pool:
        kept = list(pool.map(lambda ticker: ticker.run_once(), tickers))
    assert sorted(kept) == [0, 1]
    assert len(world.responder.handed) == 1
    assert verdict_count(world) == ASKED


def test_a_follower_does_not_tick(world: Any) -> None:
    leadership, ticker = world.worker("two")
    world.leadership.renew()
    assert not leadership.renew()
    assert ticker.run_once() == 0
    assert verdict_count(world) == 0


def test_the_lease_passes_on_when_it_expires(world: Any) -> None:
    leadership, ticker = world.worker("two")
    assert world.leadership.renew()
    world.clock.advance(world.settings.lease_seconds - 0.001)
    assert not leadership.renew()
    assert world.leadership.held()
    world.clock.advance(0.001)
    assert not world.leadership.held(), "it stops by its own clock, before anybody else can start"
    assert world.ticker.run_once() == 0
    assert leadership.renew()
    assert ticker.run_once() == 1
    assert not world.leadership.renew()


def test_a_leader_that_was_replaced_while_it_assessed_keeps_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.leadership.renew()
    other, _ = world.worker("two")
    assess = world.assessor.assess

    def assess_too_long(*question: Any) -> Any:
        answers = assess(*question)
        world.clock.advance(world.settings.lease_seconds)
        assert other.renew()
        return answers

    monkeypatch.setattr(world.assessor, "assess", assess_too_long)
    assert world.ticker.run_once() == 0
    assert (verdict_count(world), states(world)) == (0, [])


def test_who_resigns_can_be_followed_at_once(world: Any) -> None:
    world.leadership.renew()
    world.leadership.resign()
    other, _ = world.worker("two")
    assert not world.leadership.held()
    assert other.renew()
    world.leadership.resign()
    with world.database.reading() as session:
        lease = leases.current(session, LEASE)
    assert lease is not None
    assert lease.holder == "two"


def test_missed_slots_stay_on_record(world: Any) -> None:
    world.tick()
    world.clock.advance(180)
    world.tick()
    missed = SlotState.MISSED
    assert states(world) == [(0, SlotState.DONE), (1, missed), (2, missed), (3, missed), (4, SlotState.DONE)]


def test_a_long_absence_is_recorded_within_bounds(world: Any) -> None:
    world.tick()
    world.clock.advance(60 * 1500)
    world.tick()
    with world.database.reading() as session:
        found = slots.page(session, "studio", limit=2000)
    missed = [slot for slot in found if slot.state is SlotState.MISSED]
    assert len(missed) == 1000
    assert missed[-1].detail == "and 500 before it"


def test_a_tick_that_fails_is_recorded_and_the_next_one_runs(world: Any) -> None:
    world.tick()
    world.responder.failing = True
    world.tick()
    assert verdict_count(world) == ASKED, "verdicts and what is done about them are one"
    world.responder.failing = False
    world.tick()
    assert states(world) == [(0, SlotState.DONE), (1, SlotState.FAILED), (2, SlotState.DONE)]
    with world.database.reading() as session:
        assert "RuntimeError" in slots.page(session, "studio")[1].detail


def test_a_release_while_assessing_is_assessed_anew(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.ledger import EntryKind

    world.leadership.renew()
    assess, assessed = world.assessor.assess, []

    def assess_and_release(session: Any, situation: Any, slot: Any) -> Any:
        answers = assess(session, situation, slot)
        assessed.append(situation.version)
        if len(assessed) == 1:
            world.release(EntryKind.PROMOTE, 2, 1)
        return answers

    monkeypatch.setattr(world.assessor, "assess", assess_and_release)
    world.ticker.run_once()
    assert assessed == [1, 2]
    assert {each.version for each in world.responder.handed[0]} == {2}


def test_without_a_release_there_is_nothing_to_watch(world: Any) -> None:
    from safelight.store import versions

    with world.database.transaction() as session:
        versions.add_generator(session, "idle", "", world.clock.now())
    world.leadership.renew()
    assert world.ticker.run_once() == 1
    with world.database.reading() as session:
        assert slots.newest(session, "idle") is None
