"""Images that are made in the background: asked for with `Prefer: respond-async`, looked after here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from safelight.access import Permission, Principal
from safelight.api.auth import Maker, ReaderOrMaker, still_known
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.jobs import GenerationJob
from safelight.api.schemas.page import Limit, Page
from safelight.errors import not_found
from safelight.serving.admission import Refused, refusal
from safelight.serving.request import GenerationRequest
from safelight.store import generation_jobs
from safelight.store.generation_jobs import KnownJob, NewJob

router = APIRouter(prefix="/api/v1/generations/jobs", tags=["generations"], route_class=IdempotentRoute)

_POLL_SECONDS = 0.25
_FULL_SECONDS = 30.0


@router.get("")
def list_jobs(
    platform: PlatformDep, principal: ReaderOrMaker, before: UUID | None = None, limit: Limit = 50
) -> Page[GenerationJob]:
    """The newest first. A client's key sees its own."""
    whose = None if principal.may(Permission.READ) else principal.key_id
    with platform.database.reading() as session:
        found = generation_jobs.page(session, whose, before, limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[GenerationJob.of(job) for job in found], next=last)


@router.get("/{job_id}")
def get_job(job_id: UUID, platform: PlatformDep, principal: ReaderOrMaker) -> GenerationJob:
    """How far it has come and, in the end, which images it made or why it made none. Kept for a week."""
    return GenerationJob.of(_find(platform, job_id, principal))


# Looked for before: a stream that has begun cannot answer that there is no such job.
@router.get("/{job_id}/events", response_class=EventSourceResponse, dependencies=[Depends(get_job)])
async def follow_job(
    job_id: UUID, request: Request, platform: PlatformDep, principal: ReaderOrMaker
) -> AsyncIterator[ServerSentEvent]:
    """The job, whole, at every change (event `job`); ends with the job."""
    seen: GenerationJob | None = None
    while not (platform.stopping.is_set() or await request.is_disconnected()) and await still_known(request, platform):
        job = GenerationJob.of(await run_sync(_find, platform, job_id, principal))
        if job != seen:
            yield ServerSentEvent(event="job", data=job)
            seen = job
        if job.state.ended:
            return
        await asyncio.sleep(_POLL_SECONDS)


@router.post("/{job_id}/cancel")
def cancel_job(job_id: UUID, platform: PlatformDep, maker: Maker) -> GenerationJob:
    """Stop it; an image that is being made is given up within a second or so, between two steps."""
    _find(platform, job_id, maker)
    with platform.database.transaction() as session:
        return GenerationJob.of(generation_jobs.cancel(session, job_id, platform.clock.now()))


def begin(platform: Platform, order: GenerationRequest, images: int, maker: Principal) -> GenerationJob:
    """A new job. Raises SafelightError where as many wait as may."""
    new = NewJob(
        id=order.id,
        generator=order.generator,
        requested=asdict(order.requested),
        images=images,
        api_key_id=order.api_key_id,
        tenant=order.tenant,
        end_user=order.end_user,
        created_by=maker.name,
    )
    with platform.database.transaction() as session:
        own, total = generation_jobs.open_images(session, order.api_key_id)
        refused = refusal(own, total, images, platform.settings.api.max_queued)
        if refused is not None:
            raise Refused(refused, _FULL_SECONDS).error
        return GenerationJob.of(generation_jobs.add(session, new, platform.clock.now()))


def _find(platform: Platform, job_id: UUID, principal: Principal) -> KnownJob:
    """Raises `job_not_found`, also for one that is none of the principal's business."""
    with platform.database.reading() as session:
        job = generation_jobs.get(session, job_id)
    if not principal.may(Permission.READ) and (job.api_key_id is None or job.api_key_id != principal.key_id):
        raise not_found("job", job_id)
    return job
