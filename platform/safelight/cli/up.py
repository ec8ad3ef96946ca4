"""`safelight up` and what it stands on: the schema and the demonstration."""

from typing import Annotated

import typer

from safelight import supervisor, wiring
from safelight.cli.process import leave, migrated, stop_on_signals
from safelight.cli.startup import run_demo, start
from safelight.settings import Settings
from safelight.store.migrate import pending, upgrade
from safelight.studio.prompts import Mix

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
    start(Settings(), demo=demonstration, port=port, stop=stop_on_signals())


@commands.command()
def demo(
    rate: Annotated[float, typer.Option(help="Images a second")] = 3.0,
    mix: Annotated[Mix, typer.Option(help="What is asked for")] = Mix.EVERYDAY,
) -> None:
    """Register and release the studio's versions, and send them traffic (part of `up --demo`)."""
    supervisor.die_with_supervisor()
    run_demo(migrated(Settings()), rate, mix, stop_on_signals())
    leave()


@commands.command()
def migrate() -> None:
    """Bring the database to this release's schema."""
    database = wiring.database(Settings())
    steps = pending(database)
    upgrade(database)
    typer.echo(f"migrated: {', '.join(steps)}" if steps else "the database is up to date")
