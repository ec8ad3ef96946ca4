"""Sends a prompt stream to a running Safelight at a settable rate, as a well-behaved client would."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

import httpx

from safelight.studio.prompts import PromptRequest

_ENDPOINT: Final = "/api/v1/generations"
_BUSY: Final = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_BUSIEST_HOUR: Final = 18.0


@dataclass(slots=True)
class Tally:
    """What became of the requests: ``refused`` were told to come back later, ``failed`` had no usable answer."""

    requests: int = 0
    images: int = 0
    refused: int = 0
    failed: int = 0


def daily_rate(rate: float, hour: float) -> float:
    """``rate`` over the day, 0 to 24: half as much again in the evening, half in the early morning."""
    return rate * (1 + 0.5 * math.cos((hour - _BUSIEST_HOUR) * math.tau / 24))


class Traffic:
    """Drives one generator. ``client`` knows the server's address and carries the API key in its headers."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        generator: str,
        requests: Iterator[PromptRequest],
        rate: Callable[[], float],
        concurrency: int = 8,
    ) -> None:
        """``rate`` gives the images a second wanted now; at most ``concurrency`` requests are in flight."""
        self.tally = Tally()
        self._client = client
        self._generator = generator
        self._requests = requests
        self._rate = rate
        self._slots = asyncio.Semaphore(concurrency)
        self._resume_at = 0.0

    async def run(self, images: float = math.inf) -> Tally:
        """Sends until ``images`` have been asked for, or until cancelled, and waits for the last answers."""
        now = asyncio.get_running_loop().time
        asked, due = 0, now()
        async with asyncio.TaskGroup() as in_flight:
            while asked < images:
                request = next(self._requests)
                await self._slots.acquire()
                # Requests that had to wait are not made up for in a burst.
                due = max(due, now(), self._resume_at)
                await asyncio.sleep(due - now())
                due += request.n / self._rate()
                asked += request.n
                in_flight.create_task(self._send(request))
        return self.tally

    async def _send(self, request: PromptRequest) -> None:
        self.tally.requests += 1
        try:
            response = await self._client.post(_ENDPOINT, json=self._body(request))
        except httpx.TransportError:
            self.tally.failed += 1
            self._pause(_PAUSE_S)
        else:
            self._count(response, request)
        finally:
            self._slots.release()

    def _body(self, request: PromptRequest) -> dict[str, object]:
        asked = {name: value for name, value in asdict(request).items() if value is not None}
        return {"generator": self._generator, **asked}

    def _count(self, response: httpx.Response, request: PromptRequest) -> None:
        if response.is_success:
            self.tally.images += request.n
        elif response.status_code in _BUSY:
            self.tally.refused += 1
            self._pause(_retry_after_s(response))
        else:
            self.tally.failed += 1

    def _pause(self, seconds: float) -> None:
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)


def _retry_after_s(response: httpx.Response) -> float:
    """The server's wish, bounded; it may also be a date, which is not worth reading here."""
    wish = response.headers.get("retry-after", "")
    return min(float(wish), _LONGEST_PAUSE_S) if wish.isdecimal() else _PAUSE_S
