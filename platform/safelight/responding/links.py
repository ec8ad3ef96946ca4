"""What a rollback link is worth, and rolling back by it: once, while the state it was made for lasts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from registry.rules import serving
from safelight.errors import Kind, SafelightError
from safelight.notifying.rollback_links import Claim, is_genuine, read
from safelight.releasing.service import Releasing
from safelight.store import access, chains, channels, incidents, ledger, releases, spent_links
from safelight.store.database import Session
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import KnownIncident
from safelight.store.releases import KnownRelease


class LinkState(StrEnum):
    """Whether a link still works, or why it does not."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    STALE = "stale"
    """Another version serves than the one it takes production away from."""
    RESOLVED = "resolved"


_SENTENCES = {
    LinkState.USED: "This link has been used: it works once.",
    LinkState.EXPIRED: "This link has expired. Open the incident on the dashboard, where you can roll back as ever.",
    LinkState.STALE: "What serves has changed since this message was written, so its link does nothing any more.",
    LinkState.RESOLVED: "The incident has been resolved, so there is nothing to roll back from.",
}


@dataclass(frozen=True)
class Link:
    """A genuine link. `release` is what it was used for."""

    claim: Claim
    state: LinkState
    incident: KnownIncident
    channel: str
    release: KnownRelease | None

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.claim.expires, UTC)

    @property
    def explanation(self) -> str:
        """Why it does nothing; empty while it works."""
        return _SENTENCES.get(self.state, "")


def look(session: Session, token: str, now: datetime) -> Link:
    """Raises `link_invalid` for what was not made here, or for a channel that is switched off."""
    claim = read(token)
    reached = channels.find_access(session, claim.channel_id, now) if claim else None
    if claim is None or reached is None or not is_genuine(reached.link_key, token):
        raise SafelightError(
            Kind.FORBIDDEN,
            "link_invalid",
            "This link is not one of ours, or its channel has been switched off. Open the incident on the dashboard.",
        )
    incident = incidents.require(session, claim.incident_id)
    spent = spent_links.release_of(session, claim.nonce)
    release = releases.find(session, spent) if spent is not None else None
    name = channels.require(session, claim.channel_id).name
    return Link(claim, _state(session, claim, incident, release, now), incident, name, release)


def use(session: Session, releasing: Releasing, token: str, reason: str, now: datetime) -> KnownRelease:
    """Roll back, and spend the link. Raises `link_invalid`, `link_used`, `link_expired`, `link_stale`, `link_resolved`,
    and what a rollback raises: then nothing has changed, and the link is as good as before.
    """
    claim = read(token)
    if claim is not None:
        ledger.lock(session, claim.generator)  # two presses of one button come one after the other
    link = look(session, token, now)
    if link.state is not LinkState.OPEN:
        raise _refused(link)
    claim, actor = link.claim, f"link:{link.channel}"[:100]
    release = releasing.rollback(
        session,
        generator=claim.generator,
        to=claim.target,
        expected_serving=claim.serving,
        actor=actor,
        reason=reason or f"by the link of a message about incident {claim.incident_id}",
        incident_id=claim.incident_id,
    )
    spent_links.spend(session, claim.nonce, claim.channel_id, claim.incident_id, release.id, now)
    access.record_audit(session, now, actor, "rollback_link.use", str(claim.incident_id), f"release {release.id}")
    message = f"Rolled back to version {claim.target} by the link that was sent to {link.channel}."
    incidents.note(session, claim.incident_id, "link", actor, message, now, release_id=str(release.id))
    return release


def _state(
    session: Session, claim: Claim, incident: KnownIncident, release: KnownRelease | None, now: datetime
) -> LinkState:
    if release is not None:
        return LinkState.USED
    if now.timestamp() >= claim.expires:
        return LinkState.EXPIRED
    if incident.state is IncidentState.RESOLVED:
        return LinkState.RESOLVED
    current = serving(chains.decisive(session, claim.generator))
    return LinkState.OPEN if current == claim.serving else LinkState.STALE


def _refused(link: Link) -> SafelightError:
    return SafelightError(Kind.CONFLICT, f"link_{link.state}", link.explanation)
