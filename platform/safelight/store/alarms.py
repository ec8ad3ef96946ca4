"""Alarms on record: which monitor spoke up in which incident, and whether people call them right."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from safelight.ids import first_id_at
from safelight.store.incidents import Judgement
from safelight.store.tables.incidents import Incident, IncidentEvent


class Raised(NamedTuple):
    """Alarms, and those of them that somebody has judged."""

    alarms: int = 0
    right: int = 0
    wrong: int = 0


def by_monitor(session: Session, generator: str, since: datetime) -> Mapping[str, Raised]:
    """How many incidents each monitor opened or joined, among those that opened since then or are not resolved."""
    query = (
        select(Incident.id, IncidentEvent.data, Incident.judgement)
        .join(Incident, Incident.id == IncidentEvent.incident_id)
        .where(
            Incident.generator == generator,
            or_(Incident.id >= first_id_at(since), Incident.open_key.is_not(None)),
            IncidentEvent.kind == "verdict",
            IncidentEvent.at >= since,
        )
    )
    # One that was opened again has heard a monitor twice.
    spoke = {(id_, data["monitor"]): judgement for id_, data, judgement in session.execute(query)}
    found: dict[str, Raised] = defaultdict(Raised)
    for (_, monitor), judgement in spoke.items():
        alarms, right, wrong = found[monitor]
        found[monitor] = Raised(
            alarms + 1, right + (judgement == Judgement.RIGHT), wrong + (judgement == Judgement.WRONG)
        )
    return dict(found)
