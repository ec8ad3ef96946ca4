"""Alarms on record: which monitor spoke up in which incident."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from safelight.ids import first_id_at
from safelight.store.tables.incidents import Incident, IncidentEvent


def by_monitor(session: Session, generator: str, since: datetime) -> Mapping[str, int]:
    """How many incidents each monitor opened or joined, among those that opened since then or are not resolved."""
    query = (
        select(IncidentEvent.data)
        .join(Incident, Incident.id == IncidentEvent.incident_id)
        .where(
            Incident.generator == generator,
            or_(Incident.id >= first_id_at(since), Incident.open_key.is_not(None)),
            IncidentEvent.kind == "verdict",
            IncidentEvent.at >= since,
        )
    )
    return Counter(data["monitor"] for data in session.scalars(query))
