"""`safelight api`."""

import asyncio
from types import FrameType

import typer
import uvicorn

from safelight import supervisor
from safelight.api.app import create_app
from safelight.api.tracing import Tracing
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.telemetry import tracing
from safelight.wiring import host_name
from safelight.wiring.api import api_lifetime

commands = typer.Typer()


@commands.command()
def api() -> None:
    """Serve HTTP: the dashboard, the API and the gateway."""
    supervisor.die_with_supervisor()
    settings = migrated(Settings())
    stopping = asyncio.Event()
    provider = tracing.start(settings.traces, host_name())
    app = create_app(settings.api, lambda: api_lifetime(settings, stopping))
    if provider is not None:
        app.add_middleware(Tracing)
    config = uvicorn.Config(
        app,
        host=settings.api.host,
        port=settings.api.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.api.drain_seconds,
    )
    # uvicorn raises the signal anew once it has stopped; then this handler takes it, and the status is 0.
    stop_on_signals()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(_Server(config, stopping)))
    if provider is not None:
        tracing.stop(provider)
    leave()


class _Server(uvicorn.Server):
    """Tells open streams to end: uvicorn would wait for them until its patience is over."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


async def _serve(server: _Server) -> None:
    await server.serve()
    if not server.started:
        raise SafelightError(Kind.UNAVAILABLE, "api_not_started", "The API could not start; the lines above say why.")
