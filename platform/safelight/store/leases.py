"""Leases: a named right that one process holds until it expires or is given back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from safelight.store.tables.access import Lease
from safelight.store.upsert import insert


@dataclass(frozen=True)
class HeldLease:
    name: str
    holder: str
    expires_at: datetime


def take(session: Session, name: str, holder: str, now: datetime, expires_at: datetime) -> bool:
    """Take or renew a lease in one statement: true if it was free, expired or the holder's own."""
    fresh = insert(session, Lease).values(name=name, holder=holder, expires_at=expires_at)
    statement = fresh.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "expires_at": expires_at},
        where=or_(Lease.holder == holder, Lease.expires_at <= now),
    )
    return session.scalar(statement.returning(Lease.name)) is not None


def current(session: Session, name: str, *, lock: bool = False) -> HeldLease | None:
    """Who holds it, or held it last. A locked row cannot change hands before the transaction ends."""
    row = session.get(Lease, name, with_for_update=lock or None)
    return HeldLease(row.name, row.holder, row.expires_at) if row else None


def give_back(session: Session, name: str, holder: str) -> None:
    """Let another process have it at once; nothing happens if it is no longer the holder's."""
    session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
