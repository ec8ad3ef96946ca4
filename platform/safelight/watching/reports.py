"""Drift reports of the scalar signals, added to an incident once it is open: they take seconds, and nobody waits."""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.clock import Clock
from safelight.store import incidents
from safelight.store.database import Database, Session
from safelight.store.incidents import KnownIncident
from safelight.store.slices import Slice
from safelight.watching.baselines import scalars_of
from safelight.watching.looking import look
from safelight.watching.samples import Row, columns

_log = logging.getLogger(__name__)
_LOOKED_BACK = 20
"""Incidents, the newest first, that may still lack their report."""


class Reporter:
    """Compares an incident's window with the baseline it was judged by."""

    def __init__(self, database: Database, clock: Clock, embedder_digest: str) -> None:
        self._database = database
        self._clock = clock
        self._embedder_digest = embedder_digest

    def run_once(self) -> int:
        """Make the reports that are missing; returns how many incidents got one."""
        with self._database.reading() as session:
            newest = incidents.page(session, None, (), None, _LOOKED_BACK)
        lacking = [
            incident for incident in newest if incident.evidence.get("baseline") and "report" not in incident.evidence
        ]
        for incident in lacking:
            self._add(incident)
        return len(lacking)

    def _add(self, incident: KnownIncident) -> None:
        try:
            report = self._report(incident)
        except Exception:  # noqa: BLE001 - an incident without a report is better than one that is tried for ever
            _log.exception("no drift report could be made for incident %s", incident.id)
            report = None
        with self._database.transaction() as session:
            incidents.add_evidence(session, incident.id, report=report)
            if report is not None:
                message = "A report of how the signals drifted was added."
                incidents.note(session, incident.id, "report", "safelight", message, self._clock.now())

    def _report(self, incident: KnownIncident) -> dict[str, Any]:
        from monitors.scalar_report import drift_report  # brings in Evidently, which takes seconds to import

        with self._database.reading() as session:
            usual = scalars_of(session, UUID(incident.evidence["baseline"]["id"]))
            current = columns(self._rows(session, incident))
        return drift_report(current, usual)

    def _rows(self, session: Session, incident: KnownIncident) -> list[Row]:
        window, blamed = incident.evidence["window"], incident.evidence.get("slice")
        seen = look(
            session,
            incident.generator,
            incident.evidence["version"],
            datetime.fromisoformat(window["start"]),
            datetime.fromisoformat(window["end"]),
            embedder_digest=self._embedder_digest,
            part=Slice.parse(blamed["name"]) if blamed else None,
        )
        return seen.rows
