"""The command `safelight`."""

import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from registry.errors import RegistryError
from safelight.errors import SafelightError

_COMMANDS: Final = {
    command: module
    for module, commands in {
        "up": ("up", "demo", "migrate"),
        "api": ("api",),
        "engine": ("engine",),
        "cluster": ("ray",),
        "worker": ("worker",),
        "operation": ("manifest", "register", "register-external", "promote", "rollback", "accept"),
        "importing": ("import",),
        "backtest": ("backtest",),
        "trying": ("try",),
        "backfills": ("backfill",),
        "erasing": ("erase",),
        "evidence": ("evidence",),
        "replaying": ("replay",),
        "access": ("login",),
        "drill": ("drill",),
        "inspection": ("version", "settings", "doctor"),
    }.items()
    for command in commands
}
_GROUPS: Final = {
    "gates": ("gates", "group"),
    "ledger": ("ledger", "group"),
    "incident": ("incidents", "group"),
    "runbook": ("incidents", "runbook"),
    "key": ("access", "keys"),
    "canary": ("canaries", "group"),
    "probes": ("probes", "commands"),
    "baseline": ("baselines", "group"),
    "variant": ("variants", "group"),
    "monitor": ("monitors", "group"),
    "channel": ("channels", "group"),
    "jobs": ("jobs", "group"),
    "registry": ("registry", "group"),
    "targets": ("targets", "group"),
    "guard": ("guard", "group"),
}


class _Commands(TyperGroup):
    """Imports what a command needs when it is asked for: an engine has no use for the statistics."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        return [*_COMMANDS, *_GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the library's signature
        if cmd_name in _GROUPS:
            home, attribute = _GROUPS[cmd_name]
            group = typer.main.get_group(getattr(import_module(f"{__name__}.{home}"), attribute))
            group.name = cmd_name
            return group
        if cmd_name in _COMMANDS:
            module = import_module(f"{__name__}.{_COMMANDS[cmd_name]}")
            return typer.main.get_group(module.commands).commands[cmd_name]
        return None


app = typer.Typer(
    name="safelight", cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def safelight() -> None:
    """Monitoring and rollback for text-to-image generators."""


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
    except Exception as error:
        said = _said(error)
        if said is None:
            raise
        typer.echo(f"safelight: {said}", err=True)
        raise SystemExit(1) from None


def _said(error: Exception) -> str | None:
    """What a person can do something about; None for what looks like a fault of ours, and is shown whole."""
    from safelight.store.database import Collision, StoreError, ValueRefused

    match error:
        case ValueRefused() | OverflowError() | UnicodeEncodeError():
            return (
                "a number or a text is too large, or a text holds what no record can. Look at what you entered. "
                "[value_out_of_range]"
            )
        case Collision():
            return (
                "this does not go together with what somebody else has changed at the same moment. Look again, then "
                "decide. [changed_meanwhile]"
            )
        case StoreError():
            # What the database says may name people's data, and hosts.
            return (
                f"the database does not do what is asked of it ({type(error).__name__}). 'safelight doctor' says"
                " what is amiss: it may be away, or not migrated. [database_unavailable]"
            )
        case OSError(filename=str() | Path() as name):
            return f"{name}: {error.strerror}. Name another file, or make this one usable. [file_unusable]"
        case _:
            return None
