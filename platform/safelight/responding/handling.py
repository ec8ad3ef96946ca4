"""What a person does with an incident: acknowledge, comment, resolve, reopen, assign, judge."""

from datetime import datetime
from uuid import UUID

from safelight.errors import Kind, SafelightError
from safelight.responding.announcement import Links, announce
from safelight.store import access, incidents, judgements, probes
from safelight.store.database import Session
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import Judgement, KnownIncident, Resolution, Severity


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

    def reopen(self, session: Session, incident_id: UUID, actor: str, why: str, now: datetime) -> KnownIncident:
        """It was not over. Raises `incident_transition_illegal`, `incident_replaced`."""
        incident = incidents.require(session, incident_id)
        standing = incidents.find_open(session, incident.dedup_key)
        if standing is not None and standing.id != incident_id:
            raise SafelightError(
                Kind.CONFLICT,
                "incident_replaced",
                f"Incident {standing.id} of the same cause is open. Go on with that one.",
            )
        incident = incidents.reopen(session, incident_id, now)
        said = why or f"Opened again by {actor}."
        incidents.note(session, incident_id, "reopened", actor, said, now)
        access.record_audit(session, now, actor, "incident.reopen", str(incident_id), why)
        self._tell(session, incident, "incident.reopened", said, now)
        return incident

    def assign(
        self, session: Session, incident_id: UUID, owner: str | None, actor: str, now: datetime
    ) -> KnownIncident:
        """Say whose it is; None: nobody's."""
        if incidents.require(session, incident_id).owner != owner:
            incidents.assign(session, incident_id, owner)
            said = f"{owner} owns it now." if owner else "Nobody owns it now."
            incidents.note(session, incident_id, "owner", actor, said, now, owner=owner)
        return incidents.require(session, incident_id)

    def rate(self, session: Session, incident_id: UUID, severity: Severity, actor: str, now: datetime) -> KnownIncident:
        """Say how urgent it is, whatever was derived; the channels hear of it while it lasts."""
        before = incidents.require(session, incident_id)
        if before.severity is severity:
            return before
        incident = incidents.set_severity(session, incident_id, severity, actor)
        said = f"Severity {severity}; it was {before.severity}."
        incidents.note(session, incident_id, "severity", actor, said, now, severity=severity.value)
        if incident.state is not IncidentState.RESOLVED:
            self._tell(session, incident, "incident.severity", said, now)
        return incident

    def judge(
        self, session: Session, incident_id: UUID, judgement: Judgement, note: str, actor: str, now: datetime
    ) -> KnownIncident:
        """Keep one person's word on whether the alarm was right; the same person's next word replaces it."""
        incidents.require(session, incident_id)
        if judgements.give(session, incident_id, actor, judgement, note, now):
            said = f"A {judgement} alarm{f': {note}' if note else '.'}"
            incidents.note(session, incident_id, "judgement", actor, said, now, judgement=judgement.value)
        return incidents.require(session, incident_id)

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
                f"This incident was resolved by {incident.resolved_by}. Open it again if it is not over.",
            )
        return incident

    def _tell(self, session: Session, incident: KnownIncident, event: str, summary: str, now: datetime) -> None:
        announce(session, incident, self._links, event, summary, now)
