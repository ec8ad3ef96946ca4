"""Letting go of notifications that arrived long ago, with their attempts."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, aliased

from safelight.store.notifications import State
from safelight.store.tables import Delivery, Incident, Notification


def forget(session: Session, before: UUID, limit: int) -> int:
    """Delete the oldest that were delivered, at most so many; returns how many.

    What an open incident's receivers know stays, and so does what a dead letter comes too late for: else it would be
    sent again as if nothing newer had arrived.
    """
    dead = aliased(Notification)
    lasts = select(Incident.id).where(Incident.id == Notification.incident_id, Incident.open_key.is_not(None))
    overtook = select(dead.id).where(
        dead.incident_id == Notification.incident_id,
        dead.channel_id == Notification.channel_id,
        dead.state == State.FAILED.value,
    )
    old = select(Notification.id).where(
        Notification.state == State.DELIVERED.value, Notification.id < before, ~lasts.exists(), ~overtook.exists()
    )
    identifiers = session.scalars(old.order_by(Notification.id).limit(limit)).all()
    session.execute(delete(Delivery).where(Delivery.notification_id.in_(identifiers)))
    session.execute(delete(Notification).where(Notification.id.in_(identifiers)))
    return len(identifiers)
