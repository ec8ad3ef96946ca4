"""RFC 9457 problem details: one table from the kind of an error to its status."""

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from registry.errors import Kind as RegistryKind
from registry.errors import RegistryError
from safelight.errors import Kind, SafelightError
from safelight.store.database import Collision, StatementError, StoreAway, ValueRefused

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[str, HTTPStatus] = {
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    RegistryKind.CORRUPT: HTTPStatus.CONFLICT,
}


class CodedHTTPException(HTTPException):
    """For code outside the routes, which FastAPI lets through only as an HTTPException."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


class LenientJSONResponse(JSONResponse):
    """JSON that may quote what was asked: half a character, which JSON can write and UTF-8 cannot, becomes a '?'."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


class Problem(BaseModel):
    """What went wrong, in a form programs and people can act on."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[dict[str, Any]] | None = None


def problem_response(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """A problem document; `extra` members are added to it (RFC 9457, section 3.2)."""
    body = {
        "type": f"urn:safelight:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        **extra,
    }
    return LenientJSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def of_error(error: SafelightError | RegistryError) -> JSONResponse:
    """The problem a domain error is."""
    details = error.details if isinstance(error, SafelightError) else {}
    headers = {}
    if error.kind == Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="safelight"'
    if "retry_after" in details:
        headers["Retry-After"] = str(details["retry_after"])
    return problem_response(STATUS[error.kind], error.code, error.message, headers=headers, **details)


def of_validation(error: RequestValidationError) -> JSONResponse:
    """What is wrong with a request's shape, field by field, without echoing its values."""
    errors = [
        {"field": ".".join(str(part) for part in item["loc"] if part != "body"), "message": item["msg"]}
        for item in error.errors()
    ]
    first = errors[0] if errors else {"field": "", "message": "The request cannot be read."}
    where = f"{first['field']}: " if first["field"] else ""
    code = "invalid_json" if any(i["type"] == "json_invalid" for i in error.errors()) else "invalid_request"
    return problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code,
        f"{where}{first['message']}. See /docs for what is allowed.",
        errors=errors,
    )


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""

    @app.exception_handler(SafelightError)
    async def domain(_request: Request, error: SafelightError) -> JSONResponse:
        return of_error(error)

    @app.exception_handler(RegistryError)
    async def registry(_request: Request, error: RegistryError) -> JSONResponse:
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def validation(_request: Request, error: RequestValidationError) -> JSONResponse:
        return of_validation(error)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        code = error.code if isinstance(error, CodedHTTPException) else phrase
        return problem_response(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(StoreAway)
    async def store_away(request: Request, error: StoreAway) -> JSONResponse:
        # Its text quotes the statement and the address: neither is for a client.
        logger.error("the database did not answer on %s %s", request.method, request.url.path, exc_info=error)
        return problem_response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_unavailable",
            # It may have gone away between taking a change and saying so.
            "The database does not answer. Look in a few seconds whether a change was made before you ask again.",
            headers={"Retry-After": "5"},
        )

    @app.exception_handler(ValueRefused)
    @app.exception_handler(OverflowError)  # by SQLite's driver, of what has more than 64 bits
    @app.exception_handler(UnicodeEncodeError)  # by either driver, of half a character
    async def value_refused(request: Request, error: Exception) -> JSONResponse:
        logger.warning("%s %s holds what cannot be stored", request.method, request.url.path, exc_info=error)
        return problem_response(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "value_out_of_range",
            "A number or a text is too large, or a text holds a NUL or half a character: no record can hold that. "
            "Nothing was changed.",
        )

    @app.exception_handler(Collision)
    async def collided(request: Request, error: Collision) -> JSONResponse:
        # Two who made something of one name at once: the look before the deed saw neither.
        logger.warning("%s %s does not fit what is stored", request.method, request.url.path, exc_info=error)
        return problem_response(
            HTTPStatus.CONFLICT,
            "changed_meanwhile",
            "This does not go together with what somebody else has changed at the same moment. Nothing was changed by "
            "you: look again, then decide.",
        )

    @app.exception_handler(StatementError)
    async def unbound(request: Request, error: StatementError) -> JSONResponse:
        # A time that lies beyond the calendar once it is in UTC; whatever else it is, is a fault of ours.
        answer = value_refused if isinstance(error.orig, OverflowError) else unexpected
        return await answer(request, error)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        logger.error("unhandled error on %s %s", request.method, request.url.path, exc_info=error)
        return problem_response(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal_error",
            "Safelight failed on this request. The server's log has the details; nothing is known to have changed.",
        )
