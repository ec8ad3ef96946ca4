"""An incident from its opening to its end, on rows that a real database keeps."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from monitors.recovery import Recovery
from monitors.verdict import Reason
from safelight.errors import SafelightError
from safelight.responding.causes import REOPENED_WITHIN
from safelight.store import alarms, incidents, judgements, ledger, notifications, releases
from safelight.store.alarms import Raised
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import Judgement, KnownIncident, Resolution, Severity

from .conftest import GENERATOR, NOON, Scene  # noqa: TID252


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


def test_what_comes_back_within_the_hour_is_the_same_incident_again(scene: Scene) -> None:
    first = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    _resolve(scene, first)
    (again,) = scene.tick(Reason.ALIGNMENT_DOWN)
    assert (again.id, again.state, again.resolved_at) == (first.id, IncidentState.TRIGGERED, None)
    assert again.reopened_at == scene.clock.now()
    assert scene.events(first)[-5:] == ["resolved", "reopened", "verdict", "policy", "probes"]
    assert [event for event, _ in scene.told()] == ["incident.opened", "incident.resolved", "incident.reopened"]


def test_what_comes_back_later_is_another_one(scene: Scene) -> None:
    first = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    _resolve(scene, first)
    scene.clock.advance(REOPENED_WITHIN.total_seconds())
    (second,) = scene.tick(Reason.ALIGNMENT_DOWN)
    assert second.id != first.id
    with scene.database.transaction() as session, pytest.raises(SafelightError) as refusal:
        scene.handling.reopen(session, first.id, "ann", "", scene.clock.now())
    assert refusal.value.code == "incident_replaced"


def test_a_person_opens_it_again_rates_it_and_hands_it_over(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    assert (incident.severity, incident.severity_by, incident.owner) == (Severity.CRITICAL, None, None)
    _resolve(scene, incident)
    now = scene.clock.now()
    with scene.database.transaction() as session:
        scene.handling.reopen(session, incident.id, "ann", "still there", now)
        scene.handling.acknowledge(session, incident.id, "ann", now)
        scene.handling.assign(session, incident.id, "bob", "ann", now)
        scene.handling.assign(session, incident.id, "bob", "ann", now)
        for _ in range(2):
            found = scene.handling.rate(session, incident.id, Severity.LOW, "bob", now)
    assert (found.owner, found.severity, found.severity_by) == ("bob", Severity.LOW, "bob")
    assert scene.events(incident)[-4:] == ["reopened", "acknowledged", "owner", "severity"]
    assert [event for event, _ in scene.told()][-3:] == [
        "incident.reopened",
        "incident.acknowledged",
        "incident.severity",
    ]


def test_feedback_on_an_alarm_is_kept_by_person_and_counted_for_every_monitor_of_it(scene: Scene) -> None:
    incident = scene.tick(Reason.ALIGNMENT_DOWN)[0]
    scene.tick(Reason.BLANK_RATE_UP, monitor="blank_rate")
    now = scene.clock.now()
    with scene.database.transaction() as session:
        scene.handling.judge(session, incident.id, Judgement.RIGHT, "", "ann", now)
        for _ in range(2):
            found = scene.handling.judge(session, incident.id, Judgement.WRONG, "a new style", "bob", now)
    assert found.judgement is Judgement.WRONG
    assert scene.events(incident)[-2:] == ["judgement", "judgement"]
    with scene.database.reading() as session:
        said = [(each.actor, each.judgement) for each in judgements.of_incident(session, incident.id)]
        raised = alarms.by_monitor(session, GENERATOR, NOON)
    assert said == [("ann", Judgement.RIGHT), ("bob", Judgement.WRONG)]
    assert raised == {"release_comparison": Raised(1, 0, 1), "blank_rate": Raised(1, 0, 1)}


def test_the_timeline_only_grows(scene: Scene) -> None:
    scene.tick(Reason.ALIGNMENT_DOWN)
    for statement in ("UPDATE incident_events SET message = ''", "DELETE FROM incident_events"):
        with pytest.raises(IntegrityError, match="only grows"), scene.database.transaction() as session:
            session.execute(text(statement))


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


def _resolve(scene: Scene, incident: KnownIncident) -> None:
    with scene.database.transaction() as session:
        scene.handling.resolve(session, incident.id, "ann", "a false alarm", scene.clock.now())
