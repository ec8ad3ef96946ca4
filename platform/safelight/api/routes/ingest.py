"""Generations made by somebody else's service."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from pydantic import BaseModel

from safelight.api.auth import Maker
from safelight.api.compressed import plain_body
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.errors import Kind, SafelightError, not_found
from safelight.recording.ingest import Ingest, Taken
from safelight.recording.merging import Merging, SketchSubmission
from safelight.recording.submission import Submission
from safelight.store import embedders

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"], route_class=IdempotentRoute)

JSON = "application/json"
NDJSON = "application/x-ndjson"


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Its definitions put where they are referred to: the document's own components are those of other routes."""
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, dict):
            named = part.get("$ref", "").rpartition("/")[2]
            return resolved(definitions[named]) if named in definitions else {k: resolved(v) for k, v in part.items()}
        return [resolved(each) for each in part] if isinstance(part, list) else part

    return {key: resolved(value) for key, value in schema.items()}


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": _inlined(Submission.model_json_schema())},
            NDJSON: {"schema": {"type": "string", "description": "One such object a line"}},
        },
    }
}
_SKETCH_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {JSON: {"schema": _inlined(SketchSubmission.model_json_schema())}}}
}


class Ingested(BaseModel):
    """A generation that is durably recorded."""

    id: UUID


class IngestedLine(BaseModel):
    """What became of one line, counted from 1: it has an id, or a code and a detail that say why not."""

    line: int
    id: UUID | None = None
    code: str | None = None
    detail: str | None = None


class IngestedLines(BaseModel):
    """Each line stands for itself: send those that were refused again, not the others."""

    accepted: int
    refused: int
    lines: list[IngestedLine]


class EmbedderInUse(BaseModel):
    """What images are looked at with. Embeddings that are computed elsewhere have to be of the same weights."""

    digest: str
    dimensions: int


@router.get("/embedder")
def embedder(platform: PlatformDep, _maker: Maker) -> EmbedderInUse:
    """What a source that keeps its images to itself has to look at them with."""
    with platform.database.reading() as session:
        known = embedders.in_use(session)
    if known is None:
        raise not_found("embedder", "in use")
    return EmbedderInUse(digest=known.digest, dimensions=known.dimensions)


@router.post("", status_code=HTTPStatus.ACCEPTED, response_model_exclude_none=True, openapi_extra=_BODY)
async def ingest(request: Request, platform: PlatformDep, maker: Maker) -> Ingested | IngestedLines:
    """Record a generation (application/json), or many (application/x-ndjson), made by your own service.

    Answered once they are durably recorded. A generation sent again under the same `id` is taken once. The body may
    come with `Content-Encoding: gzip`.
    """
    way_in = Ingest(platform.recorder, platform.database, platform.clock, platform.settings.ingest)
    body = await plain_body(request, platform.settings.api.max_body_bytes)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == JSON:
        return Ingested(id=await way_in.take(body, maker.key_id))
    if content_type == NDJSON:
        return _lines(await way_in.take_lines(body, maker.key_id))
    raise SafelightError(
        Kind.INVALID, "content_type_unsupported", f"Send {JSON} for one generation, or {NDJSON} for many."
    )


class MergedSketch(BaseModel):
    """`merged` is false where it had been added before."""

    id: UUID
    merged: bool


@router.post("/sketches", openapi_extra=_SKETCH_BODY)
async def merge_sketch(request: Request, platform: PlatformDep, _maker: Maker) -> MergedSketch:
    """Add counts and sums of images that were looked at where they were made (safelight.scoring.regional makes them).

    Added exactly once by its `id`; neither a prompt nor an image is in it.
    """
    body = await plain_body(request, platform.settings.api.max_body_bytes)
    way_in = Merging(platform.database, platform.lenses, platform.settings.watching, platform.clock)
    identifier, merged = await run_sync(way_in.take, body)
    return MergedSketch(id=identifier, merged=merged)


def _lines(taken: list[Taken]) -> IngestedLines:
    lines = [_line(number, each) for number, each in enumerate(taken, start=1)]
    accepted = sum(line.id is not None for line in lines)
    return IngestedLines(accepted=accepted, refused=len(lines) - accepted, lines=lines)


def _line(number: int, taken: Taken) -> IngestedLine:
    if isinstance(taken, SafelightError):
        return IngestedLine(line=number, code=taken.code, detail=taken.message)
    return IngestedLine(line=number, id=taken)
