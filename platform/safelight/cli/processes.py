"""The processes: api, engine, worker, and `up`, which runs one of each."""

import asyncio
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from safelight import supervisor, wiring
from safelight.api.app import create_app
from safelight.cli.startup import run_demo, start
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.store.migrate import pending, upgrade
from safelight.studio.demo import Mix

commands = typer.Typer()


@commands.command()
def up(
    demonstrate: Annotated[
        bool, typer.Option("--demo", help="Serve the bundled studio generator, with live traffic")
    ] = False,
    demo_rate: Annotated[float, typer.Option(help="The demo's traffic in images a second")] = 3.0,
    demo_mix: Annotated[Mix, typer.Option(help="What the demo's traffic asks for")] = Mix.EVERYDAY,
    port: Annotated[int | None, typer.Option(help="The dashboard's port")] = None,
) -> None:
    """Run everything on this machine until Ctrl-C."""
    supervisor.die_with_supervisor()
    demonstration = ("--rate", str(demo_rate), "--mix", demo_mix) if demonstrate else None
    start(Settings(), demo=demonstration, port=port, stop=_stop_on_signals())


@commands.command()
def demo(
    rate: Annotated[float, typer.Option(help="Images a second")] = 3.0,
    mix: Annotated[Mix, typer.Option(help="What is asked for")] = Mix.EVERYDAY,
) -> None:
    """Register and release the studio's versions, and send them traffic (part of `up --demo`)."""
    supervisor.die_with_supervisor()
    run_demo(_migrated(Settings()), rate, mix, _stop_on_signals())
    _leave()


@commands.command()
def migrate() -> None:
    """Bring the database to this release's schema."""
    database = wiring.database(Settings())
    steps = pending(database)
    upgrade(database)
    typer.echo(f"migrated: {', '.join(steps)}" if steps else "the database is up to date")


@commands.command()
def api() -> None:
    """Serve HTTP: the dashboard, the API and the gateway."""
    supervisor.die_with_supervisor()
    settings = _migrated(Settings())
    stopping = asyncio.Event()
    app = create_app(settings.api, lambda: wiring.api_lifetime(settings, stopping))
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
    _stop_on_signals()
    asyncio.run(_serve(_Server(config, stopping)))
    _leave()


@commands.command()
def engine() -> None:
    """Hold the wanted versions loaded on this machine."""
    supervisor.die_with_supervisor()
    # Handled from here on only: until there is something to stop in order, a signal simply ends the process.
    host = wiring.engine_host(_migrated(Settings()))
    host.run(_stop_on_signals())
    _leave()


@commands.command()
def worker() -> None:
    """Score, watch, respond and notify."""
    supervisor.die_with_supervisor()
    built = wiring.worker(_migrated(Settings()))
    built.run(_stop_on_signals())
    _leave()


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


def _migrated(settings: Settings) -> Settings:
    if pending(wiring.database(settings)):
        raise SafelightError(
            Kind.UNAVAILABLE, "database_not_migrated", "The database is not migrated. Run 'safelight migrate'."
        )
    return settings


def _leave() -> None:
    """End now that all is stopped in order: taking torch and its threads apart would cost another second or two."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
