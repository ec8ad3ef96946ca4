"""Making a generation again."""

import asyncio
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Response

from safelight.access import Principal
from safelight.api.auth import Operator, Reader
from safelight.api.finding import find_for
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.page import Items
from safelight.api.schemas.replays import AskReplay, Replay
from safelight.serving import remaking
from safelight.store import generation_replays
from safelight.store.generation_replays import KnownReplay

router = APIRouter(prefix="/api/v1", tags=["generations"], route_class=IdempotentRoute)

_LOOKED_FOR_SECONDS = 0.2


@router.post("/generations/{generation_id}/replay", responses={202: {"model": Replay}})
async def replay_generation(
    generation_id: UUID, ask: AskReplay, platform: PlatformDep, operator: Operator, response: Response
) -> Replay:
    """Make a generation again of all that is recorded of it, and say how like the original the image is.

    People's requests go first. A version that no engine holds is loaded for it, which takes its time: what is not done
    within `wait_seconds` is answered 202, with `Location` saying where to look again.
    """
    replay = await run_sync(_order, platform, generation_id, ask.version, operator)
    until = platform.clock.monotonic() + ask.wait_seconds
    while not replay.state.ended and platform.clock.monotonic() < until:
        await asyncio.sleep(_LOOKED_FOR_SECONDS)
        replay = await run_sync(_get, platform, replay.id)
    if not replay.state.ended:
        response.status_code = 202
        response.headers["Location"] = f"/api/v1/replays/{replay.id}"
    return Replay.of(replay)


@router.get("/generations/{generation_id}/replays")
def list_replays(generation_id: UUID, platform: PlatformDep, reader: Reader) -> Items[Replay]:
    """Of one generation, the newest first."""
    find_for(platform, generation_id, reader)
    with platform.database.reading() as session:
        return Items(items=[Replay.of(each) for each in generation_replays.of_generation(session, generation_id)])


@router.get("/replays/{replay_id}")
def get_replay(replay_id: UUID, platform: PlatformDep, _reader: Reader) -> Replay:
    return Replay.of(_get(platform, replay_id))


def _order(platform: Platform, generation_id: UUID, version: int | None, operator: Principal) -> KnownReplay:
    record = find_for(platform, generation_id, operator).record
    with platform.database.transaction() as session:
        return remaking.order(session, record, version, actor=operator.name, now=platform.clock.now())


def _get(platform: Platform, replay_id: UUID) -> KnownReplay:
    with platform.database.reading() as session:
        return generation_replays.get(session, replay_id)
