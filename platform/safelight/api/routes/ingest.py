"""Generations made by somebody else's service."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from safelight.api.auth import Maker
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.errors import Kind, SafelightError
from safelight.recording.ingest import Ingest, Taken
from safelight.recording.submission import Submission

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"], route_class=IdempotentRoute)

JSON = "application/json"
NDJSON = "application/x-ndjson"
# Outcome and Arm are among the document's own components: the routes of generations bring them in.
_SUBMISSION = Submission.model_json_schema(ref_template="#/components/schemas/{model}")
_SUBMISSION.pop("$defs")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": _SUBMISSION},
            NDJSON: {"schema": {"type": "string", "description": "One such object a line"}},
        },
    }
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


@router.post("", status_code=HTTPStatus.ACCEPTED, response_model_exclude_none=True, openapi_extra=_BODY)
async def ingest(request: Request, platform: PlatformDep, maker: Maker) -> Ingested | IngestedLines:
    """Record a generation (application/json), or many (application/x-ndjson), made by your own service.

    Answered once they are durably recorded. A generation sent again under the same `id` is taken once.
    """
    way_in = Ingest(platform.recorder, platform.database, platform.clock)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == JSON:
        return Ingested(id=await way_in.take(await request.body(), maker.key_id))
    if content_type == NDJSON:
        return _lines(await way_in.take_lines(await request.body(), maker.key_id))
    raise SafelightError(
        Kind.INVALID, "content_type_unsupported", f"Send {JSON} for one generation, or {NDJSON} for many."
    )


def _lines(taken: list[Taken]) -> IngestedLines:
    lines = [_line(number, each) for number, each in enumerate(taken, start=1)]
    accepted = sum(line.id is not None for line in lines)
    return IngestedLines(accepted=accepted, refused=len(lines) - accepted, lines=lines)


def _line(number: int, taken: Taken) -> IngestedLine:
    if isinstance(taken, SafelightError):
        return IngestedLine(line=number, code=taken.code, detail=taken.message)
    return IngestedLine(line=number, id=taken)
