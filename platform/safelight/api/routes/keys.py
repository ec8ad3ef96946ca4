"""API keys and the audit log."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Admin, Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.access import AuditLine, CreatedKey, KeyInfo, NewKey
from safelight.api.schemas.page import Items, Limit, Page
from safelight.errors import not_found
from safelight.store import access

router = APIRouter(prefix="/api/v1", tags=["access"])


@router.get("/keys")
def list_keys(platform: PlatformDep, _admin: Admin) -> Items[KeyInfo]:
    with platform.database.reading() as session:
        return Items(items=[KeyInfo.model_validate(key) for key in access.keys(session)])


# Not idempotent by key: a kept reply would keep the secret.
@router.post("/keys", status_code=201)
def create_key(new: NewKey, platform: PlatformDep, admin: Admin) -> CreatedKey:
    """Make a key. Its secret is in this answer and nowhere else."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        key, secret = access.create_key(session, new.name, new.role, now)
        access.record_audit(session, now, admin.name, "key.create", f"{new.name} ({new.role})")
    return CreatedKey(**vars(key), secret=secret)


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: UUID, platform: PlatformDep, admin: Admin) -> None:
    """Revoke a key and every session opened with it."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        if not access.revoke_key(session, key_id, now):
            raise not_found("key", key_id)
        access.record_audit(session, now, admin.name, "key.revoke", str(key_id))


@router.get("/audit")
def audit(platform: PlatformDep, _reader: Reader, before: UUID | None = None, limit: Limit = 50) -> Page[AuditLine]:
    """Who did what, when, to what and why; the newest first."""
    with platform.database.reading() as session:
        lines = access.audit_page(session, before, limit)
    last = str(lines[-1].id) if len(lines) == limit else None
    return Page(items=[AuditLine.model_validate(line) for line in lines], next=last)
