"""Canaries: what a person says to a promote that takes the traffic step by step."""

from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter

from safelight.access import Principal
from safelight.api.auth import Operator
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.canaries import CanaryAsk
from safelight.api.schemas.releases import Release
from safelight.api.status import release_document
from safelight.releasing.canary import Canarying, Verb

router = APIRouter(prefix="/api/v1/releases/{release_id}", tags=["releases"], route_class=IdempotentRoute)


@router.post("/promote")
async def promote_canary(release_id: UUID, ask: CanaryAsk, platform: PlatformDep, operator: Operator) -> Release:
    """Take the next step now, whatever has been shown; after the last one all traffic."""
    return await _said(platform, _canarying(platform).promote, release_id, operator, ask)


@router.post("/promote-fully")
async def promote_canary_fully(release_id: UUID, ask: CanaryAsk, platform: PlatformDep, operator: Operator) -> Release:
    """Have it serve all traffic now, whatever has been shown."""
    return await _said(platform, _canarying(platform).promote_fully, release_id, operator, ask)


@router.post("/pause")
async def pause_canary(release_id: UUID, ask: CanaryAsk, platform: PlatformDep, operator: Operator) -> Release:
    """Stay at this step until somebody says otherwise. It is watched, and called off if it is worse."""
    return await _said(platform, _canarying(platform).pause, release_id, operator, ask)


@router.post("/resume")
async def resume_canary(release_id: UUID, ask: CanaryAsk, platform: PlatformDep, operator: Operator) -> Release:
    """Go on where it was paused: the next step comes once this one has baked and is shown to be no worse."""
    return await _said(platform, _canarying(platform).resume, release_id, operator, ask)


@router.post("/abort")
async def abort_release(release_id: UUID, ask: CanaryAsk, platform: PlatformDep, operator: Operator) -> Release:
    """Call off a release that does not serve yet: from now on no request goes to its version."""
    return await _said(platform, _canarying(platform).abort, release_id, operator, ask)


@router.post("/retry", status_code=202)
async def retry_canary(release_id: UUID, ask: CanaryAsk, platform: PlatformDep, operator: Operator) -> Release:
    """Ask for the same promote again, from its first step. The answer is the new release."""
    return await _said(platform, _canarying(platform).retry, release_id, operator, ask)


def _canarying(platform: Platform) -> Canarying:
    return Canarying(platform.releasing, platform.clock)


async def _said(platform: Platform, verb: Verb, release_id: UUID, operator: Principal, ask: CanaryAsk) -> Release:
    def run() -> Release:
        with platform.database.transaction() as session:
            return release_document(session, verb(session, release_id, operator.name, ask.reason))

    document = await run_sync(run)
    await platform.gateway.refresh()
    return document
