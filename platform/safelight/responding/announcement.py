"""What a notification says: enough to decide at three in the morning, and a link that opens the fix."""

from datetime import datetime

from safelight.notifying import outbox
from safelight.notifying.facts import Certainty, Facts, Suspect
from safelight.store import releases, verdicts
from safelight.store.database import Session
from safelight.store.incidents import KnownIncident
from safelight.store.releases import KnownRelease
from safelight.store.verdicts import StoredVerdict

WORST_IMAGES = 3


class Links:
    """Addresses on the dashboard."""

    def __init__(self, public_url: str) -> None:
        self._base = public_url

    def incident(self, incident: KnownIncident) -> str:
        return f"{self._base}/incidents/{incident.id}"

    def rollback(self, incident: KnownIncident) -> str:
        """Opens the incident with the rollback's confirm dialog already on it; it executes nothing."""
        return f"{self.incident(incident)}?rollback=1"

    def runbook(self, incident: KnownIncident) -> str:
        """What to do about it, on the incident's page."""
        return f"{self.incident(incident)}#runbook"

    def thumbnail(self, generation_id: str) -> str:
        return f"{self._base}/api/v1/generations/{generation_id}/thumbnail"


def announce(session: Session, incident: KnownIncident, links: Links, event: str, summary: str, now: datetime) -> None:
    """Tell every channel, in the transaction of what is told."""
    verdict = verdicts.get(session, incident.verdict_id) if incident.verdict_id is not None else None
    suspect = releases.find(session, incident.suspect_release_id) if incident.suspect_release_id is not None else None
    facts = incident_facts(incident, verdict, suspect, links, summary)
    outbox.enqueue(session, event, facts.data(), incident.id, now)


def incident_facts(
    incident: KnownIncident,
    verdict: StoredVerdict | None,
    suspect: KnownRelease | None,
    links: Links,
    summary: str,
) -> Facts:
    """What is to be said of an incident, whoever reads it. `verdict` opened it; None where no monitor did."""
    worst = [str(image["id"]) for image in incident.evidence.get("worst_images", [])][:WORST_IMAGES]
    return Facts(
        incident_id=str(incident.id),
        dedup_key=incident.dedup_key,
        generator=incident.generator,
        state=incident.state.value,
        title=incident.title,
        monitor=incident.monitor,
        reason=incident.reason,
        summary=summary,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        resolution=incident.resolution.value if incident.resolution else None,
        certainty=_certainty(verdict) if verdict else None,
        suspect_version=incident.suspect_version,
        suspect_release=_suspect(suspect) if suspect else None,
        suggested_target=incident.suggested_target,
        worst_images=tuple(worst),
        incident=links.incident(incident),
        rollback=links.rollback(incident) if incident.suggested_target is not None else None,
        thumbnails=tuple(links.thumbnail(each) for each in worst),
        severity=incident.severity.value,
        owner=incident.owner,
        runbook=links.runbook(incident),
    )


def _certainty(verdict: StoredVerdict) -> Certainty:
    return Certainty(verdict.verdict.p_value, verdict.verdict.threshold, verdict.verdict.n)


def _suspect(release: KnownRelease) -> Suspect:
    return Suspect(str(release.id), release.to_version, release.kind.value, release.actor, release.created_at)
