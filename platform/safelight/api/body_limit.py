"""A limit on request bodies, enforced while they arrive: nothing larger is ever held in memory."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from safelight.api.problems import CodedHTTPException


class BodyLimit:
    """ASGI middleware: whoever reads a body that is announced or grows larger than `max_bytes` raises a 413.

    Raised, not answered, so that each route answers in the form that its clients know.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._detail = f"The request's body is larger than {max_bytes} bytes. Send less, or raise api.max_body_bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        too_large = announced.isdigit() and int(announced) > self._max_bytes
        received = 0

        async def counted() -> Message:
            nonlocal received
            if not too_large:
                message = await receive()
                received += len(message.get("body", b""))
            if too_large or received > self._max_bytes:
                raise CodedHTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", self._detail, {"Connection": "close"}
                )
            return message

        await self._app(scope, counted, send)
