"""Shadows: what people got from the version that serves, made once more by one that is tried. Nobody sees it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from registry.parameters import Requested
from safelight.recording.generation import Arm, Generation
from safelight.serving.request import Generated, GenerationRequest
from safelight.serving.routing import CanaryRoute, Unavailable, Usage, choose
from safelight.store.engines import KnownEngine
from safelight.store.versions import KnownVersion

logger = logging.getLogger(__name__)

Make = Callable[[GenerationRequest, KnownVersion, KnownEngine], Awaitable[Generated]]


class Shadows:
    """Begins only after somebody's image is on its way to them, and only on an engine that has nothing to do."""

    def __init__(self, make: Make) -> None:
        """`make` makes an image on an engine behind everybody's requests, and records it."""
        self._make = make
        self._busy: set[UUID] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def offer(
        self,
        canary: CanaryRoute,
        request: GenerationRequest,
        requested: Requested,
        made: Generation,
        usage: Usage,
    ) -> bool:
        """Make `made` again from the same prompt and seed, if it is drawn and an engine idles; whether it is."""
        if not canary.shadows(made.id):
            return False
        idle = (each for each in canary.engines if each.id not in self._busy)
        engine = choose(idle, replace(usage, most_in_flight=1))
        if isinstance(engine, Unavailable):
            return False
        shadow = GenerationRequest(
            generator=request.generator,
            requested=replace(requested, n=1, seed=made.seed),
            api_key_id=request.api_key_id,
            tenant=request.tenant,
            end_user=request.end_user,
            arm=Arm.SHADOW,
            id=made.id,  # by which the pair is found
        )
        self._busy.add(engine.id)
        task = asyncio.create_task(self._run(shadow, canary.version, engine))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return True

    async def _run(self, shadow: GenerationRequest, version: KnownVersion, engine: KnownEngine) -> None:
        try:
            await self._make(shadow, version, engine)
        except Exception as error:  # noqa: BLE001 - whatever becomes of a shadow, nobody's request may feel it
            logger.warning("a shadow of version %s could not be made: %s", version.number, error)
        finally:
            self._busy.discard(engine.id)
