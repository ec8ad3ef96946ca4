"""Baselines: what "as it was" means, version by version."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.monitors import BaselineInfo, NewBaseline
from safelight.api.schemas.page import Items
from safelight.store import baselines, versions
from safelight.watching.making import make_from_traffic

router = APIRouter(prefix="/api/v1/baselines", tags=["baselines"], route_class=IdempotentRoute)


@router.get("")
def list_baselines(generator: str, platform: PlatformDep, _reader: Reader) -> Items[BaselineInfo]:
    """All of a generator, the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = baselines.of_generator(session, generator)
    return Items(items=[BaselineInfo.model_validate(baseline) for baseline in found])


@router.get("/{baseline_id}")
def get_baseline(baseline_id: UUID, platform: PlatformDep, _reader: Reader) -> BaselineInfo:
    with platform.database.reading() as session:
        return BaselineInfo.model_validate(baselines.get(session, baseline_id))


@router.post("", status_code=201)
def create_baseline(new: NewBaseline, platform: PlatformDep, operator: Operator) -> BaselineInfo:
    """Fit a baseline to what a version served in a range of time. Takes seconds."""
    made = make_from_traffic(
        platform.database,
        platform.clock,
        generator=new.generator,
        version=new.version,
        name=new.name,
        start=new.start,
        end=new.end,
        actor=operator.name,
    )
    return BaselineInfo.model_validate(made)
