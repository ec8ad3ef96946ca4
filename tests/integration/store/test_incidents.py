"""Incidents and their timelines."""

from datetime import UTC, datetime
from threading import Thread

from safelight.store import incidents
from safelight.store.database import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_of_two_who_write_at_once_neither_is_lost(database: Database) -> None:
    """Somebody takes charge while a worker writes down what the probes said."""
    with database.transaction() as session:
        incident = incidents.open_incident(
            session,
            generator="studio",
            dedup_key="studio:default:release-7",
            title="Version 3 of studio: alignment down",
            monitor="release_comparison",
            reason="alignment_down",
            verdict_id=None,
            suspect_version=3,
            suspect_release_id=None,
            suggested_target=2,
            evidence={},
            now=NOON,
        )

    def write_too() -> None:
        with database.transaction() as session:
            incidents.note(session, incident.id, "findings", "safelight", "The suspect fails its probes.", NOON)

    other = Thread(target=write_too)
    with database.transaction() as session:
        incidents.note(session, incident.id, "acknowledged", "ann", "ann has taken charge.", NOON)
        other.start()
        other.join(0.3)
        assert other.is_alive()  # it waits for the line before
    other.join()
    with database.reading() as session:
        assert [each.kind for each in incidents.timeline(session, incident.id)] == ["acknowledged", "findings"]
