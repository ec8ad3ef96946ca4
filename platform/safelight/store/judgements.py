"""Whether alarms were right, as people say: one word a person and incident, and its counts by monitor."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from safelight.store.incidents import Judgement
from safelight.store.tables.incidents import Incident, IncidentJudgement


@dataclass(frozen=True)
class GivenJudgement:
    """One person's word."""

    incident_id: UUID
    actor: str
    judgement: Judgement
    note: str
    at: datetime


def give(session: Session, incident_id: UUID, actor: str, judgement: Judgement, note: str, now: datetime) -> bool:
    """Whether it is news. The incident is called what the last person to speak calls it."""
    row = session.get(IncidentJudgement, (incident_id, actor), with_for_update=True)
    if row is not None and (row.judgement, row.note) == (judgement.value, note):
        return False
    if row is None:
        row = IncidentJudgement(incident_id=incident_id, actor=actor)
        session.add(row)
    row.judgement, row.note, row.at = judgement.value, note, now
    session.execute(update(Incident).where(Incident.id == incident_id).values(judgement=judgement.value))
    session.flush()
    return True


def of_incident(session: Session, incident_id: UUID) -> list[GivenJudgement]:
    """The oldest first."""
    query = select(IncidentJudgement).where(IncidentJudgement.incident_id == incident_id)
    rows = session.scalars(query.order_by(IncidentJudgement.at, IncidentJudgement.actor))
    return [GivenJudgement(row.incident_id, row.actor, Judgement(row.judgement), row.note, row.at) for row in rows]
