"""An incident from its opening to its end, on rows that a real database keeps."""

import pytest

from monitors.recovery import Recovery
from monitors.verdict import Reason
from safelight.errors import SafelightError
from safelight.store import incidents, ledger, notifications, releases
from safelight.store.incidents import IncidentState, Resolution

from .conftest import GENERATOR, Scene  # noqa: TID252


def test_a_degraded_verdict_opens_one_incident_while_it_lasts(scene: Scene) -> None:
    first = scene.tick(Reason.ALIGNMENT_DOWN)
    again = scene.tick(Reason.ALIGNMENT_DOWN)
    assert len(first) == 1
    assert [each.id for each in again] == [first[0].id]
    assert scene.told() == [("incident.opened", first[0].id)]
    assert (first[0].suspect_version, first[0].suggested_target) == (2, 1)
    assert first[0].suspect_release_id is not None


def test_another_monitor_joins_the_incident_of_the_same_release(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    scene.tick(Reason.BLANK_RATE_UP, monitor="blank_rate")
    scene.tick(Reason.BLANK_RATE_UP, monitor="blank_rate")
    assert len(scene.tick()) == 1
    assert scene.events(incident) == ["verdict", "policy", "probes", "verdict"]


def test_a_monitor_that_only_informs_opens_nothing(scene: Scene) -> None:
    assert scene.tick(Reason.PROMPT_DRIFT, monitor="prompt_drift", critical=False) == []


def test_a_message_says_enough_to_decide_and_leads_to_the_fix(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN, p_value=1e-9, threshold=1e-5)[0]
    with scene.database.reading() as session:
        payload = notifications.page(session)[0].payload
        suspect = releases.page(session, GENERATOR, None, 1)[0]
    assert payload["certainty"] == {"p_value": 1e-9, "threshold": 1e-5, "n": 300}
    assert payload["suspect_release"] == {
        "id": str(suspect.id),
        "version": 2,
        "kind": "promote",
        "actor": "ann",
        "at": suspect.created_at.isoformat(),
    }
    assert payload["opened_at"] == incident.opened_at.isoformat()
    assert payload["worst_images"] == ["0198d0c4-0000-7000-8000-000000000000"]
    assert payload["summary"] == "images fit their prompts worse"
    assert payload["suggested_target"] == 1
    assert payload["links"]["rollback"] == f"https://safelight.example/incidents/{incident.id}?rollback=1"
    assert len(payload["links"]["worst_images"]) == 1


def test_a_rollback_by_anybody_repairs_the_incident_and_recovery_closes_it(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    scene.rollback()
    waiting = scene.tick()
    assert waiting[0].repair_release_id is not None
    scene.recovery = Recovery.RECOVERED
    assert scene.tick() == []
    with scene.database.reading() as session:
        closed = incidents.require(session, incident.id)
        flipped = ledger.newest_release(session, GENERATOR)
    assert (closed.state, closed.resolution) == (IncidentState.RESOLVED, Resolution.ROLLED_BACK)
    assert flipped is not None
    assert set(scene.judged_since) == {flipped.at}
    assert scene.events(incident) == ["verdict", "policy", "probes", "repair", "recovered"]
    assert scene.open_runs() == []
    assert scene.told() == [("incident.opened", incident.id), ("incident.resolved", incident.id)]


def test_nothing_is_recovered_before_somebody_acts(scene: Scene) -> None:
    scene.recovery = Recovery.RECOVERED
    scene.tick(Reason.ALIGNMENT_DOWN)
    assert len(scene.tick()) == 1
    assert scene.judged_since == []


def test_a_resolved_incident_makes_room_for_the_next(scene: Scene) -> None:
    first = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    with scene.database.transaction() as session:
        scene.handling.resolve(session, first.id, "ann", "a false alarm", scene.clock.now())
    second = scene.tick(Reason.ALIGNMENT_DOWN)
    assert len(second) == 1
    assert second[0].id != first.id


def test_taking_charge_is_told_once(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    for _ in range(2):
        with scene.database.transaction() as session:
            acknowledged = scene.handling.acknowledge(session, incident.id, "ann", scene.clock.now())
    assert (acknowledged.state, acknowledged.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "ann")
    assert [event for event, _ in scene.told()] == ["incident.opened", "incident.acknowledged"]


def test_a_resolved_incident_is_closed_to_further_handling(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    with scene.database.transaction() as session:
        scene.handling.resolve(session, incident.id, "ann", "", scene.clock.now())
    with scene.database.transaction() as session, pytest.raises(SafelightError) as refusal:
        scene.handling.acknowledge(session, incident.id, "bob", scene.clock.now())
    assert refusal.value.code == "incident_resolved"
