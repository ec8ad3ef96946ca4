"""The three version stores that must behave alike. A server takes half a minute to start: all live for the session."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from registry.checkpoint import inspect
from registry.fakes import FolderVersionStore, write_checkpoint
from registry.manifest import Manifest, parse_manifest
from registry.mlflow_store import MlflowVersionStore
from registry.versions import Version, VersionStore

_numbers = count(1)


def manifest_of(folder: Path, **changes: object) -> Manifest:
    document: dict[str, object] = {
        "checkpoint": inspect(folder).digest,
        "dtype": "float16",
        "defaults": {"steps": 10, "guidance": 3.0, "width": 64, "height": 64},
        "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 300},
        "golden": [{"prompt": "zwei gelbe Bälle 🟡", "seed": 7}],
        "description": "The first one.\nIt knows yellow.",
        "tags": {"owner": "images"},
    }
    return parse_manifest(document | changes)


def register(store: VersionStore, generator: str, folder: Path, *, seed: int = 0) -> Version:
    write_checkpoint(folder, seed=seed)
    return store.register(generator, folder, manifest_of(folder))


@pytest.fixture(scope="session")
def folder_store(tmp_path_factory: pytest.TempPathFactory) -> VersionStore:
    return FolderVersionStore(tmp_path_factory.mktemp("folder"), lambda: datetime(2026, 7, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> VersionStore:
    home = tmp_path_factory.mktemp("embedded")
    return MlflowVersionStore(f"sqlite:///{home}/mlflow.db", artifact_root=str(home / "artifacts"))


@pytest.fixture(scope="session")
def server_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersionStore]:
    home = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", str(home / "artifacts")),
    ]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = (home / "log").open("wb")
    server = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_healthy(server, port, home / "log")
        yield MlflowVersionStore(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        log.close()


@pytest.fixture(params=["folder", "embedded", "server"])
def store(request: pytest.FixtureRequest) -> VersionStore:
    chosen: VersionStore = request.getfixturevalue(f"{request.param}_store")
    return chosen


@pytest.fixture
def generator() -> str:
    """A name that no other test of the session uses."""
    return f"generator-{next(_numbers)}"


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the MLflow server did not start:\n{log.read_text()[-2000:]}")
