"""Letting go of notifications that arrived long ago, or came too late, with their attempts."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session, aliased

from safelight.store.notifications import SUPERSEDED, State
from safelight.store.tables import Delivery, Incident, Notification


def forget(session: Session, before: UUID, limit: int) -> int:
    """Delete the oldest that were delivered or superseded, at most so many of each; returns how many.

    What an open incident's receivers know stays, and so does what a dead letter comes too late for: else it would be
    sent again as if nothing newer had arrived. So what was superseded goes first, and then what came instead of it.
    """
    letter = aliased(Notification)
    too_late = select(Delivery.notification_id).where(
        Delivery.notification_id == Notification.id, Delivery.error == SUPERSEDED
    )
    overtook = select(letter.id).where(
        letter.incident_id == Notification.incident_id,
        letter.channel_id == Notification.channel_id,
        letter.state == State.FAILED.value,
    )
    superseded = _forget(session, State.FAILED, too_late.exists(), before, limit)
    return superseded + _forget(session, State.DELIVERED, ~overtook.exists(), before, limit)


def _forget(session: Session, state: State, which: ColumnElement[bool], before: UUID, limit: int) -> int:
    lasts = select(Incident.id).where(Incident.id == Notification.incident_id, Incident.open_key.is_not(None))
    old = select(Notification.id).where(Notification.state == state.value, Notification.id < before, ~lasts.exists())
    identifiers = session.scalars(old.where(which).order_by(Notification.id).limit(limit)).all()
    session.execute(delete(Delivery).where(Delivery.notification_id.in_(identifiers)))
    session.execute(delete(Notification).where(Notification.id.in_(identifiers)))
    return len(identifiers)
