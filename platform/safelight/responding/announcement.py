"""What a notification says: enough to decide at three in the morning, and a link that opens the fix."""

from typing import Any

from safelight.store.incidents import KnownIncident


class Links:
    """Addresses on the dashboard."""

    def __init__(self, public_url: str) -> None:
        self._base = public_url

    def incident(self, incident: KnownIncident) -> str:
        return f"{self._base}/incidents/{incident.id}"

    def rollback(self, incident: KnownIncident) -> str:
        """Opens the incident with the rollback's confirm dialog already on it; it executes nothing."""
        return f"{self.incident(incident)}?rollback=1"

    def thumbnail(self, generation_id: str) -> str:
        return f"{self._base}/api/v1/generations/{generation_id}/thumbnail"


def incident_payload(incident: KnownIncident, links: Links, summary: str) -> dict[str, Any]:
    """The `data` of an `incident.*` event. Prompts are left out: a webhook's receiver may not be entitled to them."""
    worst = incident.evidence.get("worst_images", [])
    return {
        "incident_id": str(incident.id),
        "dedup_key": incident.dedup_key,
        "generator": incident.generator,
        "state": incident.state.value,
        "title": incident.title,
        "monitor": incident.monitor,
        "reason": incident.reason,
        "summary": summary,
        "suspect_version": incident.suspect_version,
        "suggested_target": incident.suggested_target,
        "opened_at": incident.opened_at.isoformat(),
        "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
        "resolution": incident.resolution.value if incident.resolution else None,
        "links": {
            "incident": links.incident(incident),
            "rollback": links.rollback(incident) if incident.suggested_target is not None else None,
            "worst_images": [links.thumbnail(image["id"]) for image in worst[:6]],
        },
    }
