"""Keys, login links and sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from safelight.access import Principal, Role, fingerprint, new_secret, require_own_name
from safelight.ids import first_id_at, new_id
from safelight.store.tables.access import ApiKey, AuditEntry, LoginLink, LoginSession

_LONGEST_ACTOR, _LONGEST_TARGET = 100, 200


@dataclass(frozen=True)
class Key:
    """An API key without its secret."""

    id: UUID
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


def create_key(session: Session, name: str, role: Role, now: datetime) -> tuple[Key, str]:
    """A new key and its secret, which is not kept and cannot be shown again. Raises `name_reserved`."""
    require_own_name(name)
    secret = new_secret("sl")
    row = ApiKey(id=new_id(), name=name, role=role.value, hash=fingerprint(secret), created_at=now, revoked_at=None)
    session.add(row)
    session.flush()
    return _key(row), secret


def keys(session: Session) -> list[Key]:
    return [_key(row) for row in session.scalars(select(ApiKey).order_by(ApiKey.created_at))]


def revoke_key(session: Session, key_id: UUID, now: datetime) -> bool:
    """Whether there was such a key. Browser sessions opened with it end with it."""
    if session.get(ApiKey, key_id) is None:
        return False
    session.execute(update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=now))
    session.execute(update(LoginSession).where(LoginSession.api_key_id == key_id).values(expires_at=now))
    return True


# Made once: that takes longer than it does to be answered, and every request asks.
_KEY = select(ApiKey.name, ApiKey.role, ApiKey.id).where(ApiKey.hash == bindparam("hash"), ApiKey.revoked_at.is_(None))


def principal_of_key(session: Session, secret: str) -> Principal | None:
    found = session.execute(_KEY, {"hash": fingerprint(secret)}).first()
    return Principal(found.name, Role(found.role), found.id) if found else None


def create_login_link(session: Session, name: str, role: Role, expires_at: datetime) -> str:
    """The token of a link that opens one session. Raises `name_reserved`."""
    require_own_name(name)
    token = new_secret("login")
    session.add(LoginLink(hash=fingerprint(token), name=name, role=role.value, expires_at=expires_at, used_at=None))
    return token


def use_login_link(session: Session, token: str, now: datetime) -> Principal | None:
    """The person a fresh link stands for; the link is spent by this call, also when two race for it."""
    spent = session.execute(
        update(LoginLink)
        .where(LoginLink.hash == fingerprint(token), LoginLink.used_at.is_(None), LoginLink.expires_at > now)
        .values(used_at=now)
        .returning(LoginLink.name, LoginLink.role)
    ).one_or_none()
    return Principal(spent.name, Role(spent.role)) if spent else None


def create_session(session: Session, principal: Principal, now: datetime, hours: float) -> str:
    """The cookie's value."""
    token = new_secret("session")
    session.add(
        LoginSession(
            hash=fingerprint(token),
            name=principal.name,
            role=principal.role.value,
            api_key_id=principal.key_id,
            created_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    return token


def principal_of_session(session: Session, token: str, now: datetime) -> Principal | None:
    row = session.get(LoginSession, fingerprint(token))
    if row is None or row.expires_at <= now:
        return None
    return Principal(row.name, Role(row.role), row.api_key_id)


def end_session(session: Session, token: str, now: datetime) -> None:
    session.execute(update(LoginSession).where(LoginSession.hash == fingerprint(token)).values(expires_at=now))


def forget_logins(session: Session, before: datetime) -> None:
    """Of links and sessions that have expired; who logged in is on the audit log."""
    for table in (LoginLink, LoginSession):
        session.execute(delete(table).where(table.expires_at < before))


@dataclass(frozen=True)
class Audit:
    """One line of the audit log."""

    id: UUID
    at: datetime
    actor: str
    action: str
    target: str
    detail: str


def record_audit(session: Session, now: datetime, actor: str, action: str, target: str, detail: str = "") -> None:
    """What is too long for its column is cut: a deed never fails for the line that is written about it."""
    actor, target = actor[:_LONGEST_ACTOR], target[:_LONGEST_TARGET]
    session.add(AuditEntry(id=new_id(), at=now, actor=actor, action=action, target=target, detail=detail))


def audit_page(session: Session, before: UUID | None, limit: int) -> list[Audit]:
    """The newest lines before `before`."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return [Audit(r.id, r.at, r.actor, r.action, r.target, r.detail) for r in session.scalars(query)]


def audit_between(session: Session, start: datetime, end: datetime, limit: int) -> list[Audit]:
    """Lines of [start, end), the newest first."""
    query = select(AuditEntry).where(AuditEntry.id >= first_id_at(start), AuditEntry.id < first_id_at(end))
    found = session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit))
    return [Audit(r.id, r.at, r.actor, r.action, r.target, r.detail) for r in found]


def _key(row: ApiKey) -> Key:
    return Key(row.id, row.name, Role(row.role), row.created_at, row.revoked_at)
