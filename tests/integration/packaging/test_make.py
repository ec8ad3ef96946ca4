"""`make up` looks at the machine before it starts anything, and says what is wrong in a sentence."""

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def make(*arguments: str, environment: Mapping[str, str] = os.environ) -> "subprocess.CompletedProcess[str]":
    command = [shutil.which("make") or "make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, env=environment)


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


@pytest.fixture
def missing(tmp_path: Path) -> str:
    """What is said of the programs that the tests start where there are none, nor an apt-get to install them."""
    for program in ("id", "ls"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    refused = make("system-packages", f"POSTGRESQL={tmp_path}", environment={"PATH": str(tmp_path)})
    assert refused.returncode != 0
    return refused.stderr


def test_programs_that_the_tests_start_are_named_where_nothing_installs_them(missing: str) -> None:
    names = "chromium curl docker-compose prometheus prometheus-alertmanager postgresql"
    assert f"not installed here: {names}. Install them" in missing


def test_apt_knows_each_of_them_by_that_name(missing: str) -> None:
    names = missing.partition("here: ")[2].partition(".")[0].split()
    if apt := shutil.which("apt-get"):
        would = [apt, "install", "--simulate", "-qq", "--no-install-recommends", *names]
        done = subprocess.run(would, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_machine_that_has_them_is_left_alone() -> None:
    done = make("system-packages")
    assert (done.returncode, done.stdout) == (0, "")
