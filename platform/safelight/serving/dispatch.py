"""Carrying orders to engines."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import aiohttp
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from pydantic import SecretStr, TypeAdapter, ValidationError

from safelight.serving.wire import FACTS_HEADER, Facts, Order, Progress

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("safelight")

_PROGRESS = TypeAdapter(dict[UUID, Progress])
_ORDER_IDS = TypeAdapter(list[UUID])
_ASKING_SECONDS = 1.0
_CONNECT_SECONDS = 2.0
_KEPT_OPEN_SECONDS = 2.0
"""Shorter than engines keep a connection open: an order must not meet one that is being closed."""


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


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpEngineClient:
    """Reaches engines by HTTP. Make it where an event loop runs, and close it in the end.

    By aiohttp, which takes a fifth of httpx's processor time for an order, and sends it in one piece.
    """

    def __init__(self, token: SecretStr, connector: aiohttp.BaseConnector | None = None) -> None:
        """`connector` replaces the network."""
        self._http = aiohttp.ClientSession(
            connector=connector or aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_OPEN_SECONDS),
            headers={"Authorization": f"Bearer {token.get_secret_value()}", "Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
            # No proxy of the surroundings may come between a gateway and its engines.
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.close()

    async def order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        with _tracer.start_as_current_span("engine", kind=SpanKind.CLIENT) as span:
            facts, png = await self._order(url, order)
            span.set_attribute("safelight.queue_ms", facts.queue_ms)
            span.set_attribute("safelight.engine_ms", facts.engine_ms)
            span.set_attribute("safelight.batch_size", facts.batch_size)
            return facts, png

    async def _order(self, url: str, order: Order) -> tuple[Facts, bytes]:
        try:
            reply = await self._post(f"{url}/generate", order.model_dump_json().encode(), order.seconds)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise EngineUnreached from error
        except TimeoutError:  # aiohttp's own are errors of the connection, too
            raise
        except aiohttp.ClientError as error:
            raise EngineLost from error
        match reply.status:
            case 200:
                return _facts(reply), reply.body
            case 504:
                raise TimeoutError
            case 500:
                raise EngineRefused("rendering_failed")
            case 503:
                raise EngineUnreached
            case 507:
                raise EngineRefused("out_of_memory")
            case 422 if isinstance(detail := json.loads(reply.body)["detail"], str):
                raise EngineRefused("request_unsupported", detail)
            case other:
                logger.error("engine %s answered %d: is its token ours, and its version of Safelight?", url, other)
                raise EngineRefused("engine_refused")

    async def progress(self, url: str, orders: Sequence[UUID]) -> dict[UUID, Progress]:
        try:
            reply = await self._post(f"{url}/progress", _ORDER_IDS.dump_json(list(orders)), _ASKING_SECONDS)
            return _PROGRESS.validate_json(reply.body)
        except (aiohttp.ClientError, TimeoutError, ValidationError):
            return {}

    async def _post(self, url: str, body: bytes, seconds: float) -> _Reply:
        """Raises aiohttp.ClientError, and TimeoutError after so many seconds."""
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)
        async with self._http.post(url, data=body, timeout=timeout, allow_redirects=False) as reply:
            return _Reply(reply.status, reply.headers, await reply.read())


def _facts(reply: _Reply) -> Facts:
    try:
        return Facts.model_validate_json(reply.headers[FACTS_HEADER])
    except (KeyError, ValidationError) as error:
        raise EngineRefused("engine_refused") from error
