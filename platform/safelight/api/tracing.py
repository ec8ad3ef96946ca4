"""A span for each request: its parent is the caller's, and the caller is told which it became (W3C Trace Context)."""

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_tracer = trace.get_tracer("safelight")
# Asked by machines every few seconds, and of no interest to anybody.
_LEFT_OUT = frozenset({"/healthz", "/readyz", "/metrics"})
_SERVER_ERROR = 500


class Tracing:
    """ASGI middleware. Spans are named for routes, not for paths: there are few of the former."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _LEFT_OUT:
            await self._app(scope, receive, send)
            return
        parent = extract(Headers(scope=scope))
        method = scope["method"]
        with _tracer.start_as_current_span(method, parent, SpanKind.SERVER, {"http.request.method": method}) as span:

            async def traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    inject(MutableHeaders(scope=message))
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= _SERVER_ERROR:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            await self._app(scope, receive, traced)
            route = getattr(scope.get("route"), "path", None)
            if route is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
