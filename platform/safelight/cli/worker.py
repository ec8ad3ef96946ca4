"""`safelight worker`."""

import typer

from safelight import supervisor
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.settings import Settings
from safelight.wiring.worker import worker as build

commands = typer.Typer()


@commands.command()
def worker() -> None:
    """Score, watch, respond and notify."""
    supervisor.die_with_supervisor()
    built = build(migrated(Settings()))
    built.run(stop_on_signals())
    leave()
