"""Rollback links that were used. A nonce is kept for ever: what is spent stays spent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from safelight.store.tables.guard import SpentLinkRow


def release_of(session: Session, nonce: UUID) -> UUID | None:
    """The release that a link was used for; None while it is unused."""
    row = session.get(SpentLinkRow, nonce)
    return row.release_id if row else None


def spend(session: Session, nonce: UUID, channel_id: UUID, incident_id: UUID, release_id: UUID, now: datetime) -> None:
    """A second time violates the key's uniqueness."""
    session.add(
        SpentLinkRow(nonce=nonce, channel_id=channel_id, incident_id=incident_id, release_id=release_id, used_at=now)
    )
    session.flush()
