"""`safelight engine`."""

import typer

from safelight import supervisor
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.settings import Settings
from safelight.wiring.engine import engine_host

commands = typer.Typer()


@commands.command()
def engine() -> None:
    """Hold the wanted versions loaded on this machine."""
    supervisor.die_with_supervisor()
    # Handled from here on only: until there is something to stop in order, a signal simply ends the process.
    host = engine_host(migrated(Settings()))
    host.run(stop_on_signals())
    leave()
