"""What a message about an incident says: what, since when, how sure, the suspect, the worst images, the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Certainty:
    """How sure the monitor was: `p_value` fell below `threshold`, over `n` generations of its window."""

    p_value: float | None
    threshold: float | None
    n: int

    def __str__(self) -> str:
        seen = f"over {self.n} generations"
        if self.p_value is None:
            return seen
        if self.threshold is None:
            return f"p = {self.p_value:.1g} {seen}"
        return f"p = {self.p_value:.1g}, alarm below {self.threshold:.1g}, {seen}"


@dataclass(frozen=True)
class Suspect:
    """The release that is suspected."""

    id: str
    version: int
    kind: str
    actor: str
    at: datetime

    def __str__(self) -> str:
        return f"version {self.version} ({self.kind} by {self.actor}, {self.at:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True)
class Facts:
    """All that any channel says of an incident. Prompts are left out: a receiver may not be entitled to them.

    `worst_images` are ids of generations, the worst first. `rollback` opens the incident with the rollback's confirm
    dialog already on it; it executes nothing.
    """

    incident_id: str
    dedup_key: str
    generator: str
    state: str
    title: str
    monitor: str
    reason: str
    summary: str
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    certainty: Certainty | None
    suspect_version: int | None
    suspect_release: Suspect | None
    suggested_target: int | None
    worst_images: tuple[str, ...]
    incident: str
    rollback: str | None
    thumbnails: tuple[str, ...]
    severity: str = "critical"
    owner: str | None = None
    runbook: str | None = None
    """Where it is told what to do about it."""

    @property
    def suspect(self) -> str | None:
        if self.suspect_release is not None:
            return str(self.suspect_release)
        return None if self.suspect_version is None else f"version {self.suspect_version}"

    def data(self) -> dict[str, Any]:
        """The `data` of an `incident.*` event."""
        certainty, release = self.certainty, self.suspect_release
        return {
            "incident_id": self.incident_id,
            "dedup_key": self.dedup_key,
            "generator": self.generator,
            "state": self.state,
            "title": self.title,
            "monitor": self.monitor,
            "reason": self.reason,
            "summary": self.summary,
            "certainty": None if certainty is None else dict(vars(certainty)),
            "suspect_version": self.suspect_version,
            "suspect_release": None if release is None else vars(release) | {"at": release.at.isoformat()},
            "suggested_target": self.suggested_target,
            "worst_images": list(self.worst_images),
            "opened_at": self.opened_at.isoformat(),
            "resolved_at": self.resolved_at.isoformat() if self.resolved_at else None,
            "resolution": self.resolution,
            "severity": self.severity,
            "owner": self.owner,
            "links": {
                "incident": self.incident,
                "rollback": self.rollback,
                "runbook": self.runbook,
                "worst_images": list(self.thumbnails),
            },
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Facts | None":
        """What `data` wrote, in this release or an earlier one that said less; None where no incident is told of."""
        if "incident_id" not in data:
            return None
        certainty, release, links = data.get("certainty"), data.get("suspect_release"), data["links"]
        resolved_at = data.get("resolved_at")
        return cls(
            incident_id=data["incident_id"],
            dedup_key=data["dedup_key"],
            generator=data["generator"],
            state=data["state"],
            title=data["title"],
            monitor=data["monitor"],
            reason=data["reason"],
            summary=data["summary"],
            opened_at=datetime.fromisoformat(data["opened_at"]),
            resolved_at=datetime.fromisoformat(resolved_at) if resolved_at else None,
            resolution=data.get("resolution"),
            certainty=Certainty(**certainty) if certainty else None,
            suspect_version=data.get("suspect_version"),
            suspect_release=Suspect(**(release | {"at": datetime.fromisoformat(release["at"])})) if release else None,
            suggested_target=data.get("suggested_target"),
            worst_images=tuple(data.get("worst_images", ())),
            incident=links["incident"],
            rollback=links.get("rollback"),
            thumbnails=tuple(links.get("worst_images", ())),
            severity=data.get("severity", "critical"),
            owner=data.get("owner"),
            runbook=links.get("runbook"),
        )


def short(text: str, most: int) -> str:
    """At most so many characters, and a sign where some were left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
