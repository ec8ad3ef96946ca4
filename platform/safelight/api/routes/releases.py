"""Promote, roll back, accept, and the ledger of all that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from safelight.access import Permission
from safelight.api.auth import Operator, Reader, still_known
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.page import Limit, Page
from safelight.api.schemas.releases import Accept, LedgerLine, Promote, Release, Rollback
from safelight.api.status import release_document
from safelight.comparing.releases import ReleaseDifference, difference
from safelight.errors import Kind, SafelightError
from safelight.store import releases

router = APIRouter(prefix="/api/v1", tags=["releases"], route_class=IdempotentRoute)

_STEP_POLL_SECONDS = 0.1
_CANARY_POLL_SECONDS = 1.0
"""A canary may take days, and is judged no more often."""


@router.post("/releases/promote", status_code=202)
async def promote(ask: Promote, platform: PlatformDep, operator: Operator) -> Release:
    """Have a version loaded, warmed and checked; it serves as soon as its gates have passed."""
    if ask.override is not None and not operator.may(Permission.ADMINISTER):
        raise SafelightError(
            Kind.FORBIDDEN,
            "override_not_allowed",
            "Only an admin may promote a version past its gates. Ask one, or have the gates pass.",
        )

    def run() -> Release:
        with platform.database.transaction() as session:
            release = platform.releasing.promote(
                session,
                generator=ask.generator,
                version=ask.version,
                expected_serving=ask.expected_serving,
                actor=operator.name,
                reason=ask.reason,
                override=ask.override,
                canary=ask.canary,
            )
            return release_document(session, release)

    return await run_sync(run)


@router.post("/releases/rollback", status_code=202)
async def rollback(ask: Rollback, platform: PlatformDep, operator: Operator) -> Release:
    """Take production back: to the last known good, or to the version that is named."""

    def run() -> Release:
        with platform.database.transaction() as session:
            release = platform.releasing.rollback(
                session,
                generator=ask.generator,
                to=ask.version,
                expected_serving=ask.expected_serving,
                actor=operator.name,
                reason=ask.reason,
                incident_id=ask.incident_id,
            )
            return release_document(session, release)

    document = await run_sync(run)
    await platform.gateway.refresh()
    return document


@router.post("/releases/accept")
def accept(ask: Accept, platform: PlatformDep, operator: Operator) -> LedgerLine:
    """Call what serves good: from now on it is a target of rollbacks."""
    with platform.database.transaction() as session:
        entry = platform.releasing.accept(
            session,
            generator=ask.generator,
            expected_serving=ask.expected_serving,
            actor=operator.name,
            reason=ask.reason,
        )
    return LedgerLine.model_validate(entry)


@router.get("/releases")
def list_releases(
    platform: PlatformDep,
    _reader: Reader,
    generator: str | None = None,
    before: UUID | None = None,
    limit: Limit = 50,
) -> Page[Release]:
    """The newest first."""
    with platform.database.reading() as session:
        found = releases.page(session, generator, before, limit)
        last = str(found[-1].id) if len(found) == limit else None
        return Page(items=[release_document(session, release) for release in found], next=last)


@router.get("/releases/{release_id}")
def get_release(release_id: UUID, platform: PlatformDep, _reader: Reader) -> Release:
    return _release(platform, release_id)


@router.get("/releases/{release_id}/difference")
def get_difference(
    release_id: UUID,
    platform: PlatformDep,
    _reader: Reader,
    before: Annotated[
        UUID | None, Query(description="Another release; left out: the one that it took over from")
    ] = None,
) -> ReleaseDifference:
    """What became different: weights file by file, manifest, environment, statistics of the baseline."""
    with platform.database.reading() as session:
        other = releases.require(session, before) if before else None
        return difference(session, releases.require(session, release_id), other)


# Looked for before: a stream that has begun cannot answer that there is no such release.
@router.get("/releases/{release_id}/events", response_class=EventSourceResponse, dependencies=[Depends(get_release)])
async def follow_release(
    release_id: UUID, request: Request, platform: PlatformDep, _reader: Reader
) -> AsyncIterator[ServerSentEvent]:
    """The release, whole, at every change (event `release`); ends when the platform has nothing left to do for it."""
    seen: Release | None = None
    while not (platform.stopping.is_set() or await request.is_disconnected()) and await still_known(request, platform):
        release = await run_sync(_release, platform, release_id)
        if release != seen:
            yield ServerSentEvent(event="release", data=release)
            seen = release
        if not release.moving:
            return
        await asyncio.sleep(_CANARY_POLL_SECONDS if release.state in releases.CANARIES else _STEP_POLL_SECONDS)


def _release(platform: Platform, release_id: UUID) -> Release:
    with platform.database.reading() as session:
        return release_document(session, releases.require(session, release_id))
