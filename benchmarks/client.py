"""The client of whatever is measured over HTTP: the same for all, and light, for it shares the cores with them."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

_ANSWERED_WITHIN = 120.0


class Client:
    """Use it inside `async with`. As many connections as requests at a time, kept open."""

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = aiohttp.ClientSession(
            url,
            headers=headers,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=_ANSWERED_WITHIN),
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def get(self, path: str) -> bytes:
        """Raises aiohttp.ClientError, also for an answer that is an error."""
        async with self._http.get(path, raise_for_status=True) as reply:
            return await reply.read()

    async def post(self, path: str, document: Mapping[str, object]) -> bytes:
        """Raises as `get`."""
        async with self._http.post(path, json=document, raise_for_status=True) as reply:
            return await reply.read()
