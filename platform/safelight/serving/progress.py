"""How far the images of a request are, asked of the engines that make them."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from safelight.serving.attempt import Attempt
from safelight.serving.dispatch import EngineClient


class InTheMaking:
    """The images that a gateway has on the way, by the request they belong to."""

    def __init__(self, engines: EngineClient) -> None:
        self._engines = engines
        self._attempts: defaultdict[UUID, list[Attempt]] = defaultdict(list)

    def add(self, attempt: Attempt) -> None:
        self._attempts[attempt.request.id].append(attempt)

    def forget(self, request: UUID) -> None:
        self._attempts.pop(request, None)

    async def progress(self, requests: Collection[UUID]) -> dict[UUID, float]:
        """From 0 to 1 for each request, the mean over its images. What is unknown or waits counts as not begun."""
        wanted = {request: list(self._attempts.get(request, ())) for request in requests}
        by_engine: defaultdict[str, list[UUID]] = defaultdict(list)
        for attempts in wanted.values():
            for attempt in attempts:
                if attempt.engine is not None and attempt.facts is None:
                    by_engine[attempt.engine.url].append(attempt.id)
        told = await asyncio.gather(*(self._engines.progress(url, orders) for url, orders in by_engine.items()))
        steps = {order: each.step / each.steps for answers in told for order, each in answers.items()}
        return {request: _mean(attempts, steps) for request, attempts in wanted.items()}


def _mean(attempts: Collection[Attempt], steps: dict[UUID, float]) -> float:
    done = (1.0 if attempt.facts is not None else steps.get(attempt.id, 0.0) for attempt in attempts)
    return sum(done) / max(len(attempts), 1)
