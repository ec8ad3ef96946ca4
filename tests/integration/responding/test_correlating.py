"""What changed shortly before an incident: told from what was stored, and only of the time that counts."""

from dataclasses import replace
from datetime import timedelta

from safelight.responding.correlating import Matter, changes_before
from safelight.store import engines, generations, incidents
from safelight.store.database import Database, Session
from safelight.store.incidents import KnownIncident

from .conftest import GENERATOR, NOON, Scene, engine, prepare  # noqa: TID252

OLD = {"host": "one", "driver": "550.54", "torch": "2.9.0"}
NEW = OLD | {"driver": "560.28"}


def test_a_driver_that_changed_under_the_same_version_is_named(database: Database) -> None:
    prepare(database, GENERATOR, versions_registered=1)
    with database.transaction() as session:
        generations.add_environments(session, {"sha256:old": OLD, "sha256:new": NEW}, NOON)
        before = engine(GENERATOR, 1, since=NOON - timedelta(days=1))
        engines.put(session, replace(before, environment_digest="sha256:old"))
        after = engine(GENERATOR, 1, since=NOON - timedelta(minutes=20))
        engines.put(session, replace(after, environment_digest="sha256:new"))
        incident = _incident(session)
        (found,) = changes_before(session, incident)
        assert changes_before(session, incident, timedelta(minutes=10)) == []
    assert (found.matter, found.at) == (Matter.ENVIRONMENT, NOON - timedelta(minutes=20))
    assert found.summary == "What one runs on has changed: driver 550.54 to 560.28"
    assert found.data["changes"] == [{"path": "driver", "before": "550.54", "after": "560.28"}]


def test_an_incident_begins_with_the_window_that_was_looked_at(scene: Scene) -> None:
    with scene.database.transaction() as session:
        # The releases of the scene are of noon: an hour and a half before it opened, half an hour before it began.
        opened = NOON + timedelta(minutes=90)
        late = replace(_incident(session), opened_at=opened)
        assert [each.matter for each in changes_before(session, late)] == []
        window = {"window": {"start": (opened - timedelta(minutes=60)).isoformat()}}
        found = changes_before(session, replace(late, evidence=window))
    assert {each.matter for each in found} == {Matter.RELEASE, Matter.ENGINE}
    assert next(each.summary for each in found if each.matter is Matter.RELEASE).startswith("Promote from version 1 to")


def _incident(session: Session) -> KnownIncident:
    return incidents.open_incident(
        session,
        generator=GENERATOR,
        dedup_key=f"{GENERATOR}:test",
        title="",
        monitor="probe",
        reason="probe_changed",
        verdict_id=None,
        suspect_version=1,
        suspect_release_id=None,
        suggested_target=None,
        evidence={},
        now=NOON,
    )
