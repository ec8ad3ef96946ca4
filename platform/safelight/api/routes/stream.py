"""One stream for the whole dashboard."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from safelight.api import status
from safelight.api.auth import Reader, still_known
from safelight.api.platform import PlatformDep
from safelight.api.schemas.generators import GeneratorStatus

router = APIRouter(prefix="/api/v1/stream", tags=["stream"])

_POLL_SECONDS = 1.0
_HEARTBEAT_POLLS = 4


class StreamStatus(BaseModel):
    """Event `status`: every generator at a glance, sent at once and at every change."""

    items: list[GeneratorStatus]


class StreamHeartbeat(BaseModel):
    """Event `heartbeat`: the server's time, a few times in a quarter of a minute, so that silence means a dead link."""

    at: datetime


@router.get(
    "",
    response_class=EventSourceResponse,
    responses={200: {"description": "Events `status` and `heartbeat`", "model": StreamStatus | StreamHeartbeat}},
)
async def stream(request: Request, platform: PlatformDep, _reader: Reader) -> AsyncIterator[ServerSentEvent]:
    """Status and heartbeat events until the client leaves, its key is revoked, or the server shuts down."""
    seen: StreamStatus | None = None
    polls = 0
    while not (platform.stopping.is_set() or await request.is_disconnected()):
        current = StreamStatus(items=await run_sync(status.statuses, platform))
        if current != seen:
            yield ServerSentEvent(event="status", data=current)
            seen = current
        if polls % _HEARTBEAT_POLLS == 0:
            if not await still_known(request, platform):
                return
            yield ServerSentEvent(event="heartbeat", data=StreamHeartbeat(at=platform.clock.now()))
        polls += 1
        await _sleep_or_stop(platform.stopping, _POLL_SECONDS)


async def _sleep_or_stop(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
