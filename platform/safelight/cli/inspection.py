"""What is set, and whether it works."""

from importlib.metadata import version as installed

import typer

from safelight import doctor
from safelight.settings import Settings

commands = typer.Typer()


@commands.command()
def version() -> None:
    """Print the version of Safelight."""
    typer.echo(f"safelight {installed('safelight')}")


@commands.command("settings")
def show_settings() -> None:
    """Print the effective settings; secrets are masked."""
    typer.echo(Settings().model_dump_json(indent=2))


@commands.command("doctor")
def examine() -> None:
    """Check device, stores, MLflow, disk and clock, and say what to do; status 1 when something is wrong."""
    healthy = True
    for finding in doctor.examine(Settings()):
        healthy = healthy and finding.ok
        typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what:<10} {finding.detail}")
    if not healthy:
        raise typer.Exit(1)
