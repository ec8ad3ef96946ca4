"""Scoring stored images anew after a change of embedder."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.page import Limit, Page
from safelight.api.schemas.slices import BackfillInfo, NewBackfill
from safelight.scoring.backfill import cancel, order
from safelight.store import backfills, versions

router = APIRouter(prefix="/api/v1/backfills", tags=["backfills"], route_class=IdempotentRoute)


@router.get("")
def list_backfills(
    generator: str, platform: PlatformDep, _reader: Reader, before: UUID | None = None, limit: Limit = 50
) -> Page[BackfillInfo]:
    """Those that run and those that did, the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = backfills.page(session, generator, before, limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[BackfillInfo.model_validate(each) for each in found], next=last)


@router.get("/{backfill_id}")
def get_backfill(backfill_id: UUID, platform: PlatformDep, _reader: Reader) -> BackfillInfo:
    with platform.database.reading() as session:
        return BackfillInfo.model_validate(backfills.get(session, backfill_id))


@router.post("", status_code=202)
def create_backfill(new: NewBackfill, platform: PlatformDep, operator: Operator) -> BackfillInfo:
    """Have images scored anew, the newest first, while no new image waits. An image is never scored twice by one
    embedder, so ranges may overlap."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        asked = order(session, generator=new.generator, start=new.start, end=new.end, actor=operator.name, now=now)
    return BackfillInfo.model_validate(asked)


@router.post("/{backfill_id}/cancel")
def cancel_backfill(backfill_id: UUID, platform: PlatformDep, operator: Operator) -> BackfillInfo:
    """Stop it. What was scored anew stays so."""
    with platform.database.transaction() as session:
        return BackfillInfo.model_validate(cancel(session, backfill_id, operator.name, platform.clock.now()))
