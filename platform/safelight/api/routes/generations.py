"""Images: asked for, listed, and looked at one by one."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from safelight.access import Principal
from safelight.api.auth import Maker, Reader, ReaderOrMaker
from safelight.api.by_reference import MadeRoute
from safelight.api.finding import find_for, image_of, read_image
from safelight.api.platform import Platform, PlatformDep
from safelight.api.preferences import RESPOND_ASYNC, preferences
from safelight.api.routes import jobs
from safelight.api.schemas.generations import (
    Feedback,
    Generate,
    GenerationDetail,
    GenerationSummary,
    GiveFeedback,
    MadeGeneration,
)
from safelight.api.schemas.jobs import GenerationJob
from safelight.api.schemas.page import Items, Limit, Page
from safelight.clock import bucket_start
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Arm, Generation, Outcome
from safelight.serving.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, unless_gone
from safelight.serving.request import Generated, GenerationRequest
from safelight.store import feedback, generations
from safelight.store.database import Session
from safelight.store.feedback import FeedbackKey
from safelight.store.generations import Filters, Flag

router = APIRouter(prefix="/api/v1/generations", tags=["generations"], route_class=MadeRoute)

Part = Annotated[str | None, Query(max_length=100, description="Exactly so; name the generator as well")]

PNG = "image/png"
# An image never changes; whoever may not see it must not find it in a shared cache.
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_FOR_NOW = {"Cache-Control": "private, no-cache"}
_PNG_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {PNG: {}}}}


@router.post(
    "",
    response_model=Items[MadeGeneration],
    responses=_PNG_ANSWER | {202: {"model": GenerationJob, "description": "With `Prefer: respond-async`"}},
)
async def generate(
    ask: Generate,
    request: Request,
    platform: PlatformDep,
    maker: Maker,
    prefer: Annotated[
        str | None, Header(description="`respond-async`: answer at once with a job; `wait=N`: give up after N seconds")
    ] = None,
) -> Items[MadeGeneration] | Response:
    """Make images with the version that serves. With `Accept: image/png` the answer is the image itself."""
    wishes = preferences(prefer)
    if wishes.respond_async:
        return await _answer_later(ask, platform, maker)
    wants_png = PNG in request.headers.get("accept", "")
    if wants_png and ask.n not in (None, 1):
        message = "A PNG is one image. Ask for n=1, or accept application/json."
        raise SafelightError(Kind.INVALID, "one_image_only", message, field="n")
    order = replace(_order(ask, maker), seconds=wishes.wait)
    if wants_png:
        order = replace(order, requested=replace(ask.requested, n=1))
    try:
        made = await unless_gone(request, platform.gateway.generate(order))
    except ClientGone:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    if wants_png:
        return _png(made[0])
    return Items(items=[_made(each, with_image=ask.b64_json) for each in made])


def _order(ask: Generate, maker: Principal) -> GenerationRequest:
    return GenerationRequest(
        generator=ask.generator,
        requested=ask.requested,
        api_key_id=maker.key_id,
        tenant=ask.tenant,
        end_user=ask.end_user,
    )


async def _answer_later(ask: Generate, platform: Platform, maker: Principal) -> Response:
    order = _order(ask, maker)
    job = await run_sync(jobs.begin, platform, order, platform.gateway.plan(order), maker)
    headers = {"Location": f"{jobs.router.prefix}/{job.id}", "Preference-Applied": RESPOND_ASYNC}
    return JSONResponse(job.model_dump(mode="json"), status_code=HTTPStatus.ACCEPTED, headers=headers)


@router.get("")
def list_generations(
    platform: PlatformDep,
    _reader: Reader,
    generator: str | None = None,
    version: int | None = None,
    outcome: Outcome | None = None,
    arm: Arm | None = None,
    flag: Flag | None = None,
    since: Annotated[datetime | None, Query(alias="from", description="With its time zone")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="With its time zone")] = None,
    q: Annotated[str, Query(max_length=500, description="Words in the prompt")] = "",
    replica: Part = None,
    adapter: Part = None,
    tenant: Part = None,
    region: Part = None,
    before: UUID | None = None,
    limit: Limit = 50,
) -> Page[GenerationSummary]:
    """The newest first. `next` is null when there is nothing older: what is rare may fill no page, and yet be found on
    the following one, because one request looks through 20,000 generations at most."""
    filters = Filters(
        generator=generator,
        version=version,
        outcomes=(outcome.value,) if outcome else (),
        arms=(arm.value,) if arm else (),
        flag=flag,
        since=_aware("from", since),
        until=_aware("to", until),
        text=q,
        replica=replica,
        adapter=adapter,
        tenant=tenant,
        region=region,
    )
    with platform.database.reading() as session:
        found = generations.search(session, filters, before, limit)
    items = [GenerationSummary.of(each, has_image=each.image_key is not None) for each in found.generations]
    return Page(items=items, next=str(found.further) if found.further else None)


@router.get("/{generation_id}")
def get_generation(generation_id: UUID, platform: PlatformDep, principal: ReaderOrMaker) -> GenerationDetail:
    """All that is known of it. A client's key sees its own."""
    found = find_for(platform, generation_id, principal)
    detail = GenerationDetail.of(found.record, has_image=found.has_image)
    with platform.database.reading() as session:
        if detail.environment is None and detail.environment_digest is not None:
            detail.environment = generations.environment(session, detail.environment_digest)
        detail.feedback = _feedback(session, generation_id)
    return detail


@router.post("/{generation_id}/feedback")
def give_feedback(generation_id: UUID, given: GiveFeedback, platform: PlatformDep, maker: Maker) -> Feedback:
    """Say what somebody made of an image. The same word twice changes nothing; a thumb up takes back a thumb down."""
    record = find_for(platform, generation_id, maker).record
    if record.outcome != Outcome.SERVED:
        raise SafelightError(
            Kind.CONFLICT,
            "nothing_to_judge",
            f"Generation {generation_id} was {record.outcome}: nobody got an image of it to judge.",
        )
    now, watching = platform.clock.now(), platform.settings.watching
    # Votes trickle in for days. Counting only early ones keeps old buckets comparable with new ones.
    early = now - record.created_at <= timedelta(minutes=watching.feedback_minutes)
    key = FeedbackKey(
        record.generator, record.version, record.arm, bucket_start(record.created_at, watching.bucket_seconds)
    )
    with platform.database.transaction() as session:
        rater = given.rater or maker.name
        feedback.give(session, generation_id, rater, given.kind, now, key if early else None)
        return _feedback(session, generation_id)


@router.get("/{generation_id}/image", response_class=Response, responses=_PNG_ANSWER)
def get_image(generation_id: UUID, platform: PlatformDep, principal: ReaderOrMaker) -> Response:
    """The image as it was served."""
    found = find_for(platform, generation_id, principal)
    return Response(image_of(platform, found), media_type=PNG, headers=_FOR_EVER)


@router.get("/{generation_id}/thumbnail", response_class=Response, responses={200: {"content": {"image/webp": {}}}})
def get_thumbnail(generation_id: UUID, platform: PlatformDep, principal: ReaderOrMaker) -> Response:
    """A small copy; the whole image as long as there is none."""
    found = find_for(platform, generation_id, principal)
    if isinstance(found.record, Generation) or found.record.thumbnail_key is None:
        return Response(image_of(platform, found), media_type=PNG, headers=_FOR_NOW)
    small = read_image(platform, found.record.thumbnail_key, generation_id)
    return Response(small, media_type="image/webp", headers=_FOR_EVER)


def _feedback(session: Session, generation_id: UUID) -> Feedback:
    return Feedback(**feedback.of_generation(session, generation_id))


def _made(generated: Generated, *, with_image: bool) -> MadeGeneration:
    made = MadeGeneration.of(generated.generation, has_image=bool(generated.png))
    if with_image and generated.png:
        made.b64_json = base64.b64encode(generated.png).decode()
    return made


def _png(generated: Generated) -> Response:
    generation = generated.generation
    headers = {
        "X-Safelight-Generation": str(generation.id),
        "X-Safelight-Version": str(generation.version),
        "X-Safelight-Seed": str(generation.seed),
    }
    return Response(generated.png, media_type=PNG, headers=headers)


def _aware(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise SafelightError(
            Kind.INVALID, "time_zone_missing", f"'{name}' has no time zone. Write it like 2026-01-31T12:00:00Z."
        )
    return moment
