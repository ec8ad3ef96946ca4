"""Forgetting somebody."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Admin
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.erasures import Erasure, RequestErasure
from safelight.api.schemas.page import Limit, Page
from safelight.recording import erasing
from safelight.store import erasures

router = APIRouter(prefix="/api/v1/erasures", tags=["access"], route_class=IdempotentRoute)


@router.post("", status_code=202)
def request_erasure(ask: RequestErasure, platform: PlatformDep, admin: Admin) -> Erasure:
    """Delete all that is recorded of one user up to now: generations, images, scores, feedback, and copies of prompts.

    A worker does it. Counts and sketches, which hold nobody's prompts or images, stay.
    """
    with platform.database.transaction() as session:
        found = erasing.request(session, ask.subject, ask.reason, actor=admin.name, now=platform.clock.now())
    return Erasure.of(found)


@router.get("")
def list_erasures(platform: PlatformDep, _admin: Admin, before: UUID | None = None, limit: Limit = 50) -> Page[Erasure]:
    """The newest first."""
    with platform.database.reading() as session:
        found = erasures.page(session, before, limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[Erasure.of(each) for each in found], next=last)


@router.get("/{erasure_id}")
def get_erasure(erasure_id: UUID, platform: PlatformDep, _admin: Admin) -> Erasure:
    with platform.database.reading() as session:
        return Erasure.of(erasures.get(session, erasure_id))
