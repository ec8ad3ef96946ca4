"""`safelight engine`."""

import typer

from safelight import supervisor
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.settings import Settings
from safelight.telemetry.exposing import expose
from safelight.wiring.engine import engine_host

commands = typer.Typer()


@commands.command()
def engine() -> None:
    """Hold the wanted versions loaded on this machine."""
    supervisor.die_with_supervisor()
    # Handled from here on only: until there is something to stop in order, a signal simply ends the process.
    settings = migrated(Settings())
    host = engine_host(settings)
    expose(settings.metrics.host, settings.metrics.engine_port)
    host.run(stop_on_signals())
    leave()
