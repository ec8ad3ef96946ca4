"""The OpenAI Images API: the official client works unchanged, with a generator's name as the model."""

import base64
import logging
import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from registry.parameters import Requested
from safelight.api.auth import Maker, ReaderOrMaker
from safelight.api.finding import find, image_of
from safelight.api.image_links import ImageLinks, Link
from safelight.api.platform import Platform, PlatformDep
from safelight.api.problems import STATUS, CodedHTTPException, LenientJSONResponse
from safelight.api.schemas.generations import EndUser
from safelight.errors import Kind, SafelightError, not_found
from safelight.serving.attempt import failure_of
from safelight.serving.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, unless_gone
from safelight.serving.request import Generated, GenerationRequest
from safelight.store import versions
from safelight.store.database import StoreAway

logger = logging.getLogger(__name__)

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_LIMITS = {
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "server_error",
}


class OpenAIRoute(APIRoute):
    """Answers errors, also those of its dependencies, in OpenAI's envelope instead of a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_in_envelope(request: Request) -> Response:
            try:
                return await handle(request)
            except SafelightError as error:
                return _of_error(error)
            except RequestValidationError as error:
                return _of_validation(error)
            except HTTPException as error:
                code = error.code if isinstance(error, CodedHTTPException) else "invalid_request"
                headers = dict(error.headers or {})
                return _envelope(HTTPStatus(error.status_code), code, str(error.detail), headers=headers)
            except StoreAway:
                logger.exception("the database did not answer on %s", request.url.path)
                message = "The database does not answer. Try again in a few seconds."
                status = HTTPStatus.SERVICE_UNAVAILABLE
                return _envelope(status, "database_unavailable", message, headers={"Retry-After": "5"})

        return handle_in_envelope


router = APIRouter(prefix="/v1", tags=["openai"], route_class=OpenAIRoute)


class ImagesRequest(BaseModel):
    """OpenAI's parameters, and ours as extras. What a version decides by itself may be named, but not changed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Annotated[str, Field(description="The generator's name")]
    prompt: str
    n: int | None = None
    size: Annotated[str | None, Field(description="WIDTHxHEIGHT in pixels, or auto")] = None
    response_format: Literal["b64_json", "url"] | None = None
    user: Annotated[EndUser | None, Field(description="Your end user, as an opaque id; can be forgotten by it")] = None
    quality: Literal["auto", "standard"] | None = None
    background: Literal["auto", "opaque"] | None = None
    moderation: Literal["auto"] | None = None
    output_format: Literal["png"] | None = None
    stream: Literal[False] | None = None
    negative_prompt: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None

    @property
    def requested(self) -> Requested:
        """Raises `size_invalid`."""
        width, height = _sides(self.size)
        ours = self.model_dump(include={"prompt", "n", "negative_prompt", "steps", "guidance", "seed"})
        return Requested(width=width, height=height, **ours)


class ImageData(BaseModel):
    """One of the two, as `response_format` asked."""

    b64_json: str | None = None
    url: str | None = None


class ImagesResponse(BaseModel):
    created: Annotated[int, Field(description="Seconds since 1970")]
    data: list[ImageData]


class Model(BaseModel):
    """A generator that serves."""

    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="Seconds since 1970")]
    owned_by: str = "safelight"


class Models(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


@router.post("/images/generations", response_model=ImagesResponse, response_model_exclude_none=True)
async def generate_images(
    ask: ImagesRequest, request: Request, platform: PlatformDep, maker: Maker
) -> ImagesResponse | Response:
    """Make images. A `url` opens its image without a key, for `api.link_minutes`."""
    order = GenerationRequest(generator=ask.model, requested=ask.requested, api_key_id=maker.key_id, end_user=ask.user)
    try:
        made = await unless_gone(request, platform.gateway.generate(order))
    except ClientGone:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    missing = next((each for each in made if not each.png), None)
    if missing is not None:
        raise failure_of(missing.generation)
    created = int(made[0].generation.created_at.timestamp())
    links = platform.image_links if ask.response_format == "url" else None
    return ImagesResponse(created=created, data=[_data(each, links, platform.clock.now()) for each in made])


@router.get("/images/{generation_id}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def get_image(
    platform: PlatformDep,
    generation_id: UUID,
    expires: Annotated[int, Query(description="Seconds since 1970", ge=0, le=2**40)],
    signature: Annotated[str, Query(max_length=100)],
) -> Response:
    """The image that a `url` leads to. Needs no key: the link is signed."""
    now = platform.clock.now()
    link = platform.image_links.check(generation_id, expires, signature, now)
    if link is not Link.OPENS:
        raise SafelightError(Kind.FORBIDDEN, link.value, "This link is not one of ours, or it has expired.")
    image = image_of(platform, find(platform, generation_id))
    left = expires - int(now.timestamp())
    return Response(image, media_type="image/png", headers={"Cache-Control": f"private, max-age={left}"})


@router.get("/models")
def list_models(platform: PlatformDep, _caller: ReaderOrMaker) -> Models:
    """The generators that images can be asked of."""
    return Models(data=_models(platform))


@router.get("/models/{model}")
def get_model(model: str, platform: PlatformDep, _caller: ReaderOrMaker) -> Model:
    found = next((each for each in _models(platform) if each.id == model), None)
    if found is None:
        raise not_found("generator", model)
    return found


def _models(platform: Platform) -> list[Model]:
    with platform.database.reading() as session:
        known = versions.generators(session)
    offered = platform.gateway.offers()
    return [Model(id=each.name, created=int(each.created_at.timestamp())) for each in known if each.name in offered]


def _data(generated: Generated, links: ImageLinks | None, now: datetime) -> ImageData:
    if links is None:
        return ImageData(b64_json=base64.b64encode(generated.png).decode())
    return ImageData(url=links.url(generated.generation.id, now))


def _sides(size: str | None) -> tuple[int, int] | tuple[None, None]:
    if size is None or size == "auto":
        return None, None
    sides = _SIZE.fullmatch(size)
    if sides is None:
        message = "size must be WIDTHxHEIGHT in pixels, such as 64x64, or auto."
        raise SafelightError(Kind.INVALID, "size_invalid", message, field="size")
    return int(sides[1]), int(sides[2])


def _of_error(error: SafelightError) -> JSONResponse:
    # Where ours is 422, OpenAI's clients expect a 400.
    status = HTTPStatus.BAD_REQUEST if error.kind is Kind.INVALID else STATUS[error.kind]
    code = "model_not_found" if error.code == "generator_not_found" else error.code
    headers = {"Retry-After": str(error.details["retry_after"])} if "retry_after" in error.details else None
    return _envelope(status, code, error.message, error.details.get("field"), headers)


def _of_validation(error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part != "body")
    code = "unknown_parameter" if first["type"] == "extra_forbidden" else "invalid_request"
    return _envelope(HTTPStatus.BAD_REQUEST, code, f"{field or 'request'}: {first['msg']}.", field or None)


def _envelope(
    status: HTTPStatus, code: str, message: str, param: object = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    kind = _LIMITS.get(status, "invalid_request_error")
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return LenientJSONResponse(body, status_code=status, headers=headers)
