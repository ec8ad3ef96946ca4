"""The command line as a person meets it: what works, and one sentence where something does not."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.fakes import write_checkpoint
from safelight import doctor
from safelight.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`safelight` with these arguments and settings, in a data folder of the test's."""

    def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SAFELIGHT_DATA_DIR": str(tmp_path / "data"), **settings}
        return subprocess.run(
            [sys.executable, "-m", "safelight.cli", *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return command


@pytest.fixture
def inside(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """The same without a process of its own, which takes seconds to start, on a database that is migrated."""
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "data" / "safelight.db")
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["safelight", *arguments])
            for name, value in settings.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), printed.out, printed.err)

    return command


def _refusal(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert words in done.stderr


def test_a_taken_port_is_named_with_a_way_out(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _refusal(run("up", "--port", str(port)), f"make up PORT={port + 1}")


def test_a_folder_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _refusal(run("up", SAFELIGHT_DATA_DIR=str(tmp_path / "file" / "data")), "cannot be written")


def test_a_misspelt_setting_is_named_and_its_value_is_not(inside: Run) -> None:
    done = inside("settings", SAFELIGHT_API__PROT="hunter2")
    _refusal(done, "api.prot")
    assert "hunter2" not in done.stderr


def test_settings_come_from_file_and_environment_and_secrets_are_masked(inside: Run, tmp_path: Path) -> None:
    (tmp_path / "safelight.toml").write_text("[api]\nport = 9000\nhost = '0.0.0.0'\n[watching]\ntick_seconds = 30\n")
    url = "postgresql+psycopg://safelight:hunter2@db/safelight"
    done = inside("settings", SAFELIGHT_API__PORT="9100", SAFELIGHT_DATABASE__URL=url)
    effective = json.loads(done.stdout)
    assert (effective["api"]["port"], effective["api"]["host"]) == (9100, "0.0.0.0")  # noqa: S104 - only read back
    assert effective["watching"]["tick_seconds"] == 30
    assert "hunter2" not in done.stdout


def test_nothing_runs_on_a_database_that_is_not_migrated(run: Run) -> None:
    _refusal(run("worker"), "safelight migrate")


@pytest.mark.parametrize("arguments", [("canary", "show", "portraits"), ("rollback", "portraits"), ("key", "list")])
def test_a_database_without_its_tables_is_a_sentence(inside: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = inside(*arguments, SAFELIGHT_DATABASE__URL=f"sqlite:///{tmp_path}/empty.db")
    _refusal(done, "safelight doctor")
    assert "SELECT" not in done.stderr


def test_the_doctor_finds_a_fresh_installation_healthy(run: Run) -> None:
    assert run("migrate").returncode == 0
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert done.stderr == "", "MLflow, whose store is made here, has no news for people"
    assert [line.split()[1] for line in done.stdout.splitlines()] == [
        "device",
        "disk",
        "database",
        "clock",
        "images",
        "mlflow",
    ]


def test_the_doctor_says_what_to_do(inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for asks_others in ("device", "mlflow"):  # for which torch and MLflow are started
        monkeypatch.delitem(doctor._CHECKS, asks_others)
    done = inside("doctor", SAFELIGHT_DATABASE__URL="postgresql+psycopg://safelight:hunter2@127.0.0.1:1/safelight")
    assert done.returncode == 1
    assert "SAFELIGHT_DATABASE__URL" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_key_is_made_listed_and_revoked(inside: Run) -> None:
    secret = inside("key", "create", "laptop", "--role", "viewer").stdout.splitlines()[0]
    assert secret.startswith("sl_")
    listed = inside("key", "list").stdout
    assert "laptop" in listed
    assert secret not in listed
    assert inside("key", "revoke", listed.split()[0]).returncode == 0
    assert "revoked" in inside("key", "list").stdout


def test_a_login_link_keeps_its_token_from_servers(inside: Run) -> None:
    assert "/login#token=login_" in inside("login").stdout


def test_an_empty_ledger_holds(inside: Run) -> None:
    assert inside("ledger", "verify").returncode == 0


def test_an_unknown_generator_is_refused(inside: Run) -> None:
    _refusal(inside("rollback", "nobody"), "generator_not_found")


def test_a_version_that_is_served_elsewhere_is_registered_and_promoted(inside: Run) -> None:
    told = inside("register-external", "portraits", "portraits:2026-11-03", "--uri", "s3://models/portraits")
    assert told.stdout.startswith("portraits version 1  sha256:")
    assert "flipping" in inside("promote", "portraits", "1", "--reason", "deployed").stdout


def test_a_checkpoint_is_registered_with_an_adapter_and_made_cheaper(inside: Run, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint")
    save_file({"unet.to_q.lora_A.weight": np.ones((2, 4), np.float16)}, tmp_path / "style.safetensors")
    told = inside("register", "portraits", str(folder), "--adapter", f"sketch={tmp_path}/style.safetensors:0.5")
    assert told.stdout.startswith("portraits version 1  sha256:"), told.stderr
    assert "is not NAME=FILE" in inside("register", "portraits", str(folder), "--adapter", "sketch").stderr
    variant = inside("variant", "register", "portraits", "1", "--quantisation", "int8_weight_only", "--steps", "4")
    assert variant.stdout.startswith("portraits version 2, a variant of 1  sha256:"), variant.stderr
    _refusal(inside("variant", "register", "portraits", "1"), "manifest_variant_unchanged")
    _refusal(inside("variant", "register", "portraits", "1", "--steps", "0"), "steps")
