"""Commands are imported one by one, so a list says where each is: it must say all of them, and rightly."""

import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

import safelight.cli

_LISTED = [*safelight.cli._COMMANDS, *safelight.cli._GROUPS]


def test_no_command_is_left_out() -> None:
    modules = {each.name for each in pkgutil.iter_modules(safelight.cli.__path__)} - {"__main__"}
    groups = {module for module, attribute in safelight.cli._GROUPS.values() if attribute == "commands"}
    typed = {
        each.name or getattr(each.callback, "__name__", None)
        for module in modules - groups
        for each in getattr(import_module(f"safelight.cli.{module}"), "commands", typer.Typer()).registered_commands
    }
    assert typed == set(safelight.cli._COMMANDS)


@pytest.mark.parametrize("command", _LISTED)
def test_each_command_is_where_the_list_says(command: str) -> None:
    asked = CliRunner().invoke(safelight.cli.app, [command, "--help"])
    assert asked.exit_code == 0, asked.output
    assert f" {command} " in asked.output


def test_an_engine_is_not_kept_waiting_for_what_it_does_not_use() -> None:
    program = "import sys, safelight.cli.engine; print({'monitors', 'fastapi', 'mlflow'} & sys.modules.keys())"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
    )
