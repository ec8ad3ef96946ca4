"""Drawing with a real engine of its own, one request after the other, and weighing it: what it is like to be served."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import SecretStr

from registry.manifest import Manifest
from registry.parameters import GenerationParameters, Requested
from safelight.clock import Clock
from safelight.comparing.drawing import Drawing
from safelight.errors import Kind, SafelightError
from safelight.serving.child import ChildStatus, EngineChild
from safelight.serving.control import EngineSpec
from safelight.serving.dispatch import HttpEngineClient
from safelight.serving.processes import Processes
from safelight.serving.rendering import Pixels
from safelight.serving.wire import Order
from safelight.settings import EngineSettings
from safelight.store.engines import EngineState

_POLL_SECONDS = 0.05
_LOADED_WITHIN = 1800.0
_MADE_WITHIN = 600.0
_WARM_UP = 2
"""Images that are made before any is timed, beside those of the golden check."""


@dataclass(frozen=True)
class Weighed:
    """What an engine drew, and the bytes that it took while it did; `device` is None without a GPU."""

    drawing: Drawing
    host: int
    device: int | None
    runs_on: str


def draw_on_engine(
    folder: Path,
    manifest: Manifest,
    requests: Sequence[Requested],
    settings: EngineSettings,
    clock: Clock,
    progress: Callable[[int], None],
) -> Weighed:
    """Start an engine, have it make every image, and end it. `seconds` are the engine's own, without the queue.

    Raises SafelightError engine_failed when the version cannot be served, ParameterError for a request beyond its
    limits, and what the engine's client raises for one that it refuses.
    """
    token = secrets.token_urlsafe()
    spec = EngineSpec(
        folder=folder,
        manifest=manifest,
        device=settings.device,
        threads=settings.threads,
        max_batch=1,
        max_wait_ms=0,
        host="127.0.0.1",
        token=token,
    )
    parameters = [manifest.resolve(each, fallback_seed=0) for each in requests]
    child = EngineChild(lambda: spec, clock, Processes(clock, threads=settings.threads))
    child.start()
    try:
        return asyncio.run(_drawn(child, token, parameters, clock, progress))
    finally:
        child.release()
        if not child.join(10):
            child.kill()


async def _drawn(
    child: EngineChild,
    token: str,
    parameters: Sequence[GenerationParameters],
    clock: Clock,
    progress: Callable[[int], None],
) -> Weighed:
    await _until(child, lambda status: status.state is EngineState.READY, clock)
    client = HttpEngineClient(SecretStr(token))
    url = f"http://127.0.0.1:{child.status.port}"
    images: list[Pixels | None] = []
    seconds = np.full(len(parameters), np.nan)
    runs_on = ""
    try:
        for place, each in enumerate([*[parameters[0]] * _WARM_UP, *parameters], start=-_WARM_UP):
            order = Order(parameters=each, seconds=_MADE_WITHIN)
            facts, png = await client.order(url, order)
            runs_on = str(facts.environment["device"])
            if place >= 0:
                images.append(np.asarray(Image.open(BytesIO(png)).convert("RGB")) if png else None)
                seconds[place] = facts.engine_ms / 1000
                progress(1)
    finally:
        await client.close()
    heard = child.status.heard_at
    # What it tells next it tells after the last image.
    status = await _until(child, lambda status: status.heard_at > heard and status.host_bytes is not None, clock)
    return Weighed(Drawing(images, seconds), status.host_bytes or 0, status.device_bytes, runs_on)


async def _until(child: EngineChild, told: Callable[[ChildStatus], bool], clock: Clock) -> ChildStatus:
    end = clock.monotonic() + _LOADED_WITHIN
    while not told(status := child.status):
        if status.ended or clock.monotonic() > end:
            raise SafelightError(Kind.UNAVAILABLE, "engine_failed", f"The engine did not come up: {status.detail}.")
        await asyncio.sleep(_POLL_SECONDS)
    return status
