"""`make up` looks at the machine before it starts anything, and says what is wrong in a sentence."""

import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def test_a_taken_port_is_refused_before_anything_is_installed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = make("check-port", f"PORT={port}")
    assert refused.returncode != 0
    assert f"Port {port} cannot be used" in refused.stderr
    assert "make up PORT=" in refused.stderr


def test_what_is_no_port_is_refused() -> None:
    assert "Port 99999 cannot be used" in make("check-port", "PORT=99999").stderr


def test_a_machine_without_a_new_enough_python_is_told_so() -> None:
    refused = make("check-machine", "PYTHON=")
    assert refused.returncode != 0
    assert "needs Python 3.11 or newer" in refused.stderr


def test_help_lists_what_people_type() -> None:
    listed = {line.split()[1] for line in make("help").stdout.splitlines()}
    assert listed >= {"help", "up", "test", "lint", "format", "lock", "page", "train-studio", "demo-regression", "soak"}
