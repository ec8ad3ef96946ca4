"""Carrying one order to one engine."""

import logging
from typing import Protocol

import httpx
from pydantic import SecretStr, ValidationError

from registry.parameters import GenerationParameters
from safelight.serving.wire import FACTS_HEADER, Facts, Order

logger = logging.getLogger(__name__)


class EngineUnreached(Exception):
    """The order never arrived: another engine may be asked without a thought."""


class EngineLost(Exception):
    """The engine ended or broke the connection on the way: whether it began is unknown, that it did not answer is."""


class EngineRefused(Exception):
    """The engine answered that it could not make the image; another one would say the same. `str` is a stable code."""


class EngineClient(Protocol):
    """A way to engines."""

    async def order(
        self, url: str, parameters: GenerationParameters, seconds: float, *, defer: float = 0.0
    ) -> tuple[Facts, bytes]:
        """The image as PNG (empty when the facts say so) and how it was made. Cancel the call to call the order off.

        For `defer` seconds the engine lets every request go first that somebody waits for.
        Raises EngineUnreached, EngineLost, EngineRefused, and TimeoutError after `seconds`.
        """
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

    async def order(
        self, url: str, parameters: GenerationParameters, seconds: float, *, defer: float = 0.0
    ) -> tuple[Facts, bytes]:
        body = Order(parameters=parameters, seconds=seconds, defer=defer).model_dump(mode="json")
        try:
            reply = await self._http.post(f"{url}/generate", json=body, timeout=httpx.Timeout(seconds, connect=2.0))
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
            case other:
                logger.error("engine %s answered %d: is its token ours, and its version of Safelight?", url, other)
                raise EngineRefused("engine_refused")


def _facts(reply: httpx.Response) -> Facts:
    try:
        return Facts.model_validate_json(reply.headers[FACTS_HEADER])
    except (KeyError, ValidationError) as error:
        raise EngineRefused("engine_refused") from error
