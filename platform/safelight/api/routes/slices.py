"""How each part of the traffic stands with the monitors that look at it alone."""

from typing import Annotated

from fastapi import APIRouter, Query

from safelight.api.auth import Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.page import Items
from safelight.api.schemas.slices import StandingInfo
from safelight.store import standings, versions

router = APIRouter(prefix="/api/v1/slices", tags=["monitors"])


@router.get("")
def list_slices(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    monitor: Annotated[str | None, Query(description="Of one monitor only")] = None,
) -> Items[StandingInfo]:
    """The newest finding of each monitor for all traffic and for each slice: replica, adapter, tenant, region, class
    of parameters. At most as many slices as the settings allow; the rest of an attribute's values is one more."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = standings.of_generator(session, generator)
    return Items(items=[StandingInfo.model_validate(each) for each in found if monitor in (None, each.monitor)])
