"""What a person does with an incident: acknowledge, comment, resolve."""

from datetime import datetime
from uuid import UUID

from safelight.errors import Kind, SafelightError
from safelight.responding.announcement import Links, announce
from safelight.store import access, incidents, probes
from safelight.store.database import Session
from safelight.store.incidents import IncidentState, KnownIncident, Resolution


class Handling:
    """Every method runs in the caller's transaction and tells the channels in it."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def acknowledge(self, session: Session, incident_id: UUID, actor: str, now: datetime) -> KnownIncident:
        """Take charge. A second acknowledgement changes nothing; a resolved incident refuses it."""
        incident = self._unresolved(session, incident_id)
        if incident.state is IncidentState.ACKNOWLEDGED:
            return incident
        incident = incidents.acknowledge(session, incident_id, actor, now)
        incidents.note(session, incident_id, "acknowledged", actor, f"{actor} has taken charge.", now)
        self._tell(session, incident, "incident.acknowledged", f"Acknowledged by {actor}.", now)
        return incident

    def resolve(self, session: Session, incident_id: UUID, actor: str, why: str, now: datetime) -> KnownIncident:
        """Close the incident by hand; the monitors start from fresh windows afterwards."""
        self._unresolved(session, incident_id)
        incident = incidents.resolve(session, incident_id, actor, Resolution.BY_HAND, now)
        probes.cancel_of_incident(session, incident_id, "the incident was resolved", now)
        incidents.note(session, incident_id, "resolved", actor, why or f"Resolved by {actor}.", now)
        access.record_audit(session, now, actor, "incident.resolve", str(incident_id), why)
        self._tell(session, incident, "incident.resolved", why or f"Resolved by {actor}.", now)
        return incident

    def comment(self, session: Session, incident_id: UUID, actor: str, text: str, now: datetime) -> KnownIncident:
        incident = incidents.require(session, incident_id)
        incidents.note(session, incident_id, "comment", actor, text, now)
        return incident

    def _unresolved(self, session: Session, incident_id: UUID) -> KnownIncident:
        incident = incidents.require(session, incident_id)
        if incident.state is IncidentState.RESOLVED:
            raise SafelightError(
                Kind.CONFLICT,
                "incident_resolved",
                f"This incident was resolved by {incident.resolved_by}. If it is back, a new one will open.",
            )
        return incident

    def _tell(self, session: Session, incident: KnownIncident, event: str, summary: str, now: datetime) -> None:
        announce(session, incident, self._links, event, summary, now)
