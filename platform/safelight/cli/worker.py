"""`safelight worker`."""

import typer

from safelight import supervisor
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.settings import Settings
from safelight.telemetry.exposing import expose
from safelight.wiring.worker import worker as build

commands = typer.Typer()


@commands.command()
def worker() -> None:
    """Score, watch, respond and notify."""
    supervisor.die_with_supervisor()
    settings = migrated(Settings())
    built = build(settings)
    expose(settings.metrics.host, settings.metrics.worker_port)
    built.run(stop_on_signals())
    leave()
