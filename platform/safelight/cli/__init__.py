"""The command `safelight`."""

import logging
import sys

import typer
from pydantic import ValidationError

from registry.errors import RegistryError
from safelight.cli import (
    access,
    backfills,
    backtest,
    baselines,
    importing,
    inspection,
    monitors,
    operation,
    probes,
    processes,
    trying,
)
from safelight.errors import SafelightError

app = typer.Typer(
    name="safelight",
    help="Monitoring and rollback for text-to-image generators.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (processes, operation, importing, backtest, trying, backfills, access, inspection):
    app.registered_commands += group.commands.registered_commands
app.add_typer(operation.ledger, name="ledger")
app.add_typer(access.keys, name="key")
app.add_typer(probes.commands, name="probes")
app.add_typer(baselines.group, name="baseline")
app.add_typer(monitors.group, name="monitor")


def main() -> None:
    """Run the command line; a refusal is a sentence and status 1, not a traceback."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Ours speak at INFO; libraries only when something is wrong.
    logging.getLogger("safelight").setLevel(logging.INFO)
    try:
        app()
    except ValidationError as error:
        # Only settings are validated here; a value is left out, for it may be a secret.
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        typer.echo(
            f"safelight: these settings cannot be: {wrong}. See safelight.toml and SAFELIGHT_* variables.", err=True
        )
        raise SystemExit(1) from None
    except (SafelightError, RegistryError) as error:
        typer.echo(f"safelight: {error.message} [{error.code}]", err=True)
        raise SystemExit(1) from error
