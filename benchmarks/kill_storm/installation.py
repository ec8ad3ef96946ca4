"""The installation that is stormed: every process is started anew as soon as it is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from safelight import wiring
from safelight.access import Role
from safelight.settings import Settings
from safelight.store import access, engines, migrate
from safelight.studio.demo import GENERATOR
from safelight.studio.versions import build_version

PROCESSES = ("api", "engine", "worker")
_START_WITHIN = 180.0


@dataclass
class Installation:
    """`environment` is what every process is told; `key` is an operator's; `log` is where all of them write."""

    environment: Mapping[str, str]
    key: str
    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SAFELIGHT_API__PORT']}"

    @property
    def said(self) -> str:
        """The newest lines of all processes."""
        return self.log.read_text(errors="replace")[-4000:]

    def start(self, name: str, *module: str) -> None:
        """`module`: what to run in place of the command itself."""
        command = module or ("safelight.cli", name)
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=os.environ | self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """kill -9, and again from the start. The process of an engine is the engine host's child: the host mends it."""
        if name == "engine process":
            self._kill_engine()
            return
        self.running[name].kill()
        self.running[name].wait()
        self.start(name)

    def wait_for_death(self, name: str, seconds: float) -> bool:
        """Of a process that ends by itself; whether it did in time."""
        try:
            self.running[name].wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until_answering(self) -> None:
        """One that ended by itself, because the database was away when it started, is started again."""
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline:
            if self.running["api"].poll() is not None:
                self.start("api")
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False, timeout=2).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError(f"the API did not answer within {_START_WITHIN:.0f} s; the processes said:\n{self.said}")

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()

    def _kill_engine(self) -> None:
        database = wiring.database(Settings())
        with database.reading() as session:
            pids = [engine.pid for engine in engines.engines(session, GENERATOR) if engine.state == "ready"]
        database.dispose()
        for pid in pids:
            if pid is not None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


def prepare(folder: Path) -> str:
    """Tables, two versions, and an operator's key; `Settings` are the surroundings'."""
    database = wiring.database(Settings())
    migrate.upgrade(database)
    registration = wiring.registration(Settings())
    for number in (1, 2):
        built = build_version(number, folder / f"built-{number}")
        manifest = built.manifest.model_dump(mode="json", exclude={"checkpoint"})
        registration.register(GENERATOR, built.folder, manifest, "storm")
    with database.transaction() as session:
        _, secret = access.create_key(session, "storm", Role.OPERATOR, wiring.clock().now())
    database.dispose()
    return secret
