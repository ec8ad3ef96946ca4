"""A Safelight of its own to measure: the studio's first two versions, an API process and an engine host."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from safelight import wiring
from safelight.access import Role
from safelight.settings import ApiSettings, EngineSettings, Settings
from safelight.store import access, migrate
from safelight.studio.demo import GENERATOR, release_in_turn
from safelight.studio.versions import build_version

_START_WITHIN = 120.0
_STOP_WITHIN = 10.0


@dataclass(frozen=True)
class Installation:
    """Version 2 serves, version 1 is warm and known good. `key` is an operator's; `api` and `host` are process ids."""

    settings: Settings
    key: str
    api: int
    host: int

    @property
    def url(self) -> str:
        return f"http://{self.settings.api.host}:{self.settings.api.port}"

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=120.0,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )


@contextmanager
def installation(max_batch: int) -> Iterator[Installation]:
    """Everything in a folder that is thrown away; the processes run as in production, without a worker."""
    with tempfile.TemporaryDirectory(prefix="safelight-bench-") as folder:
        settings = Settings(
            data_dir=Path(folder),
            api=ApiSettings(port=free_port()),
            engine=EngineSettings(device="cpu", threads=1, max_batch=max_batch),
        )
        key = _prepare(settings, Path(folder))
        processes = [_start(settings, name) for name in ("engine", "api")]
        try:
            made = Installation(settings, key, api=processes[1].pid, host=processes[0].pid)
            _wait_until_answering(made)
            release_in_turn(wiring.database(settings), wiring.releasing(), wiring.clock(), threading.Event())
            yield made
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(_STOP_WITHIN)


def _prepare(settings: Settings, folder: Path) -> str:
    database = wiring.database(settings)
    migrate.upgrade(database)
    registration = wiring.registration(settings)
    for number in (1, 2):
        built = build_version(number, folder / f"built-{number}")
        manifest = built.manifest.model_dump(mode="json", exclude={"checkpoint"})
        registration.register(GENERATOR, built.folder, manifest, "benchmark")
    with database.transaction() as session:
        _, secret = access.create_key(session, "benchmark", Role.OPERATOR, wiring.clock().now())
    database.dispose()
    return secret


def _start(settings: Settings, name: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SAFELIGHT_DATA_DIR": str(settings.data_dir),
        "SAFELIGHT_API__PORT": str(settings.api.port),
        "SAFELIGHT_ENGINE__DEVICE": settings.engine.device,
        "SAFELIGHT_ENGINE__THREADS": str(settings.engine.threads),
        "SAFELIGHT_ENGINE__MAX_BATCH": str(settings.engine.max_batch),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen([sys.executable, "-m", "safelight.cli", name], env=environment, stdout=subprocess.DEVNULL)


def _wait_until_answering(made: Installation) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{made.url}/healthz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError(f"the API did not answer within {_START_WITHIN:.0f} s; see what it wrote above")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
