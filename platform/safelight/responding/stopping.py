"""The stop switch: while it is on nothing is done automatically. What a person does is not its concern."""

from datetime import datetime

from safelight.store import access, guard
from safelight.store.database import Session
from safelight.store.guard import Stop

_TARGET = "guard"


def stop(session: Session, actor: str, reason: str, now: datetime) -> Stop:
    """Switch it on; where it is on already, it stays as it is, with who did it first."""
    standing = guard.stopped(session)
    if standing is not None:
        return standing
    access.record_audit(session, now, actor, "guard.stop", _TARGET, reason)
    return guard.stop(session, actor, reason, now)


def resume(session: Session, actor: str, reason: str, now: datetime) -> None:
    """Let the guard act again; where it may already, nothing happens."""
    if guard.resume(session, actor, now) is not None:
        access.record_audit(session, now, actor, "guard.resume", _TARGET, reason)
