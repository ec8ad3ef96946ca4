"""Carrying orders to engines."""

import logging
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import httpx
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from pydantic import SecretStr, TypeAdapter, ValidationError

from safelight.serving.wire import FACTS_HEADER, Facts, Order, Progress

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("safelight")

_PROGRESS = TypeAdapter(dict[UUID, Progress])
_ASKING_SECONDS = 1.0


class EngineUnreached(Exception):
    """The order never arrived: another engine may be asked without a thought."""


class EngineLost(Exception):
    """The engine ended or broke the connection on the way: whether it began is unknown, that it did not answer is."""


class EngineRefused(Exception):
    """The engine answered that it could not make the image; another one would say the same. `str` is a stable code."""

    def __init__(self, code: str, message: str = "") -> None:
        """`message` is for the one who asked, where the engine has one."""
        super().__init__(code)
        self.message = message


class EngineClient(Protocol):
    """A way to engines."""

    async def order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        """The image as PNG (empty when the facts say so) and how it was made. Cancel the call to call the order off.

        Raises EngineUnreached, EngineLost, EngineRefused, and TimeoutError after the order's seconds.
        """
        ...

    async def progress(self, url: str, orders: Sequence[UUID]) -> dict[UUID, Progress]:
        """How far an engine is with orders; what it does not answer is left out."""
        ...


class HttpEngineClient:
    """Reaches engines by HTTP. Close it in the end."""

    def __init__(self, token: SecretStr, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` replaces the network."""
        # No proxy of the surroundings may come between a gateway and its engines.
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token.get_secret_value()}"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=2.0),
            trust_env=False,
            transport=transport,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        with _tracer.start_as_current_span("engine", kind=SpanKind.CLIENT) as span:
            facts, png = await self._order(url, order)
            span.set_attribute("safelight.queue_ms", facts.queue_ms)
            span.set_attribute("safelight.engine_ms", facts.engine_ms)
            span.set_attribute("safelight.batch_size", facts.batch_size)
            return facts, png

    async def _order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        timeout = httpx.Timeout(order.seconds, connect=2.0)
        try:
            reply = await self._http.post(f"{url}/generate", json=order.model_dump(mode="json"), timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise EngineUnreached from error
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise EngineLost from error
        match reply.status_code:
            case 200:
                return _facts(reply), reply.content
            case 504:
                raise TimeoutError
            case 500:
                raise EngineRefused("rendering_failed")
            case 503:
                raise EngineUnreached
            case 507:
                raise EngineRefused("out_of_memory")
            case 422 if isinstance(reply.json()["detail"], str):
                raise EngineRefused("request_unsupported", reply.json()["detail"])
            case other:
                logger.error("engine %s answered %d: is its token ours, and its version of Safelight?", url, other)
                raise EngineRefused("engine_refused")

    async def progress(self, url: str, orders: Sequence[UUID]) -> dict[UUID, Progress]:
        try:
            asked = [str(order) for order in orders]
            reply = await self._http.post(f"{url}/progress", json=asked, timeout=_ASKING_SECONDS)
            return _PROGRESS.validate_json(reply.content)
        except (httpx.HTTPError, ValidationError):
            return {}


def _facts(reply: httpx.Response) -> Facts:
    try:
        return Facts.model_validate_json(reply.headers[FACTS_HEADER])
    except (KeyError, ValidationError) as error:
        raise EngineRefused("engine_refused") from error
