"""What holds an armed policy back, whatever the evidence; and what never holds a person back."""

from datetime import timedelta

import pytest

from monitors.verdict import Health, Reason
from registry.ledger import EntryKind
from safelight.responding import stopping
from safelight.responding.braking import brakes
from safelight.responding.causes import ACTOR
from safelight.store import access, drills, guard, incidents, ledger, probes, releases
from safelight.store.drills import DrillReason, DrillState
from safelight.store.incidents import KnownIncident, PolicyMode
from safelight.store.probes import Purpose

from .conftest import GENERATOR, Scene  # noqa: TID252


@pytest.fixture
def armed(scene: Scene) -> Scene:
    with scene.database.transaction() as session:
        incidents.set_policy(session, GENERATOR, PolicyMode.AUTO, "ann", scene.clock.now())
    scene.store_outputs(1)
    return scene


def alarm(scene: Scene) -> KnownIncident:
    return scene.tick(Reason.ALIGNMENT_DOWN)[0]


def switch(scene: Scene, *, on: bool) -> None:
    with scene.database.transaction() as session:
        (stopping.stop if on else stopping.resume)(session, "ann", "let me look", scene.clock.now())


def drill(scene: Scene, state: DrillState, version: int = 1) -> None:
    now = scene.clock.now()
    with scene.database.transaction() as session:
        ordered = drills.order(session, GENERATOR, version, "ann", now, now + timedelta(hours=1))
        reason = DrillReason.GOLDEN_FAILED if state is DrillState.FAILED else None
        drills.end(session, ordered.id, state, now, reason=reason)


def test_a_stop_leaves_what_probes_confirmed_to_a_person_until_it_is_lifted(armed: Scene) -> None:
    switch(armed, on=True)
    incident = alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (2, ["stopped", "stopped"])
    switch(armed, on=False)
    armed.clock.advance(timedelta(minutes=16).total_seconds())
    alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (1, ["stopped", "stopped", "confirmed"])


def test_a_stop_between_the_alarm_and_its_confirmation_is_in_time(armed: Scene) -> None:
    incident = alarm(armed)
    switch(armed, on=True)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (2, ["stopped"])


def test_a_stop_does_not_hold_a_person_back(armed: Scene) -> None:
    switch(armed, on=True)
    armed.rollback()
    assert armed.serving() == 1


def test_a_stop_is_one_however_often_it_is_pressed_and_is_on_the_audit_log(armed: Scene) -> None:
    for on in (True, True, False, False):
        switch(armed, on=on)
    with armed.database.reading() as session:
        assert guard.stopped(session) is None
        done = [each.action for each in access.audit_page(session, None, 10) if each.target == "guard"]
    assert done == ["guard.resume", "guard.stop"]


def test_a_version_whose_drill_failed_is_not_gone_back_to_until_one_passes(armed: Scene) -> None:
    drill(armed, DrillState.PASSED)
    drill(armed, DrillState.FAILED)
    incident = alarm(armed)
    assert (armed.decisions(incident), armed.open_runs()) == (["unverified"], [])
    assert [event for event, _ in armed.told()] == ["incident.opened", "incident.held"]
    alarm(armed)
    assert armed.decisions(incident) == ["unverified"]
    drill(armed, DrillState.NOT_RUN)
    alarm(armed)
    assert armed.open_runs() == []
    drill(armed, DrillState.PASSED)
    alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert armed.serving() == 1


def test_more_rollbacks_an_hour_are_allowed_only_where_somebody_said_so(armed: Scene) -> None:
    with armed.database.transaction() as session:
        now = armed.clock.now()
        releases.add(
            session,
            generator=GENERATOR,
            kind=EntryKind.ROLLBACK,
            from_version=3,
            to_version=2,
            actor=ACTOR,
            reason="an earlier one",
            incident_id=None,
            now=now,
        )
        assert brakes(session, GENERATOR, 1, now).automatic == [now]
    incident = alarm(armed)
    assert armed.decisions(incident) == ["cooling_down"]
    with armed.database.transaction() as session:
        guard.set_most_per_hour(session, GENERATOR, 2, "ann", armed.clock.now())
    alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert armed.serving() == 1
    with armed.database.reading() as session:
        assert incidents.policy(session, GENERATOR) is PolicyMode.AUTO


def test_an_operators_rollback_while_the_guard_makes_up_its_mind_is_the_only_one(armed: Scene) -> None:
    incident = alarm(armed)
    runs = armed.open_runs()
    armed.end(runs[0], Health.DEGRADED)
    armed.rollback()
    for run in runs[1:]:
        armed.end(run, Health.DEGRADED if run.purpose is Purpose.SUSPECT else Health.HEALTHY)
    with armed.database.reading() as session:
        chain = ledger.chain(session, GENERATOR)
        kept = releases.page(session, GENERATOR, None, 10)
        assert not any(run.open for run in probes.of_incident(session, incident.id))
    assert [(entry.to_version, entry.actor) for entry in chain[-2:]] == [(2, "ann"), (1, "ann")]
    assert len([each for each in kept if each.kind == "rollback"]) == 1


def test_an_operators_rollback_after_the_guards_finds_that_something_else_serves(armed: Scene) -> None:
    alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    with pytest.raises(Exception, match="now version 1 does"):
        armed.rollback()
    with armed.database.reading() as session:
        assert len([each for each in releases.page(session, GENERATOR, None, 10) if each.kind == "rollback"]) == 1
