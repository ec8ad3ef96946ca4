"""Play the story on a Safelight of its own: `python -m safelight.studio.rehearsal --version 3`.

Starts `safelight up --demo` in a folder that is thrown away, on a free port, and ends it afterwards.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer

from safelight.studio.demo import GENERATOR
from safelight.studio.promotions import Promotions
from safelight.studio.prompts import Mix
from safelight.studio.receiver import Receiver
from safelight.studio.story import Story, Telling
from safelight.studio.visitor import StoryFailed, Visitor
from safelight.supervisor import PARENT

GOOD_VERSION = 2
_START_WITHIN = 240.0
_HEALTHY_WITHIN = 300.0
_DETECT_WITHIN = 420.0
_RECOVER_WITHIN = 420.0
_STOP_WITHIN = 15.0


class Rehearsal:
    """A running Safelight with the studio's traffic, and an admin's client for it."""

    def __init__(self, folder: Path, rate: float, mix: Mix, environment: Mapping[str, str]) -> None:
        """`rate` is in images a second, `mix` what is asked for; all processes have `environment` beside this one's."""
        self._rate = rate
        self._mix = mix
        self.port = _free_port()
        self.environment = {
            **os.environ,
            "SAFELIGHT_DATA_DIR": str(folder),
            "SAFELIGHT_API__PORT": str(self.port),
            "SAFELIGHT_NOTIFYING__ALLOW_PRIVATE_ADDRESSES": "true",
            "OMP_NUM_THREADS": "1",
            PARENT: str(os.getpid()),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when the API answers; the studio's first release may still be on its way."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "safelight.cli",
                "up",
                "--demo",
                "--demo-rate",
                str(self._rate),
                "--demo-mix",
                self._mix,
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> int:
        """End it as Ctrl-C would; returns its status. Raises subprocess.TimeoutExpired when it does not end."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(_STOP_WITHIN)
        finally:
            self._process.kill()

    def key(self, role: str) -> str:
        """A fresh API key."""
        made = self.cli("key", "create", f"rehearsal {role}", "--role", role)
        return made.splitlines()[0]

    def cli(self, *arguments: str) -> str:
        """What a `safelight` command prints."""
        command = [sys.executable, "-m", "safelight.cli", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=30.0, trust_env=False
        )


@contextmanager
def rehearsal(
    rate: float, mix: Mix = Mix.EVERYDAY, environment: Mapping[str, str] | None = None
) -> Iterator[Rehearsal]:
    """A Safelight of its own, up and answering."""
    with tempfile.TemporaryDirectory(prefix="safelight-") as folder:
        running = Rehearsal(Path(folder), rate, mix, environment or {})
        running.start()
        try:
            _wait_until_ready(running)
            yield running
        finally:
            running.stop()


@contextmanager
def storyteller(running: Rehearsal) -> Iterator[Story]:
    """A story about to begin: the receiver is told of incidents, and the good version has proven healthy."""
    with _on_call(running) as (visitor, receiver):
        yield Story(visitor, receiver)


@contextmanager
def release_manager(running: Rehearsal) -> Iterator[Promotions]:
    """The same, for who promotes versions."""
    with _on_call(running) as (visitor, receiver):
        yield Promotions(visitor, receiver)


@contextmanager
def _on_call(running: Rehearsal) -> Iterator[tuple[Visitor, Receiver]]:
    receiver = Receiver()
    receiver.start()
    try:
        with running.client(running.key("admin")) as client:
            visitor = Visitor(client, GENERATOR)
            channel = visitor.post("/api/v1/notifications/channels", name="on call", url=receiver.url)
            receiver.trust(channel["secret"])
            visitor.wait_until_healthy(GOOD_VERSION, _HEALTHY_WITHIN)
            yield visitor, receiver
    finally:
        receiver.stop()


def play(running: Rehearsal, version: int) -> Telling:
    """The story of one regressed version. Raises StoryFailed."""
    with storyteller(running) as story:
        return story.play(version, detect_within=_DETECT_WITHIN, recover_within=_RECOVER_WITHIN)


def main(
    version: Annotated[int, typer.Option(help="The regressed version of the studio: 3, 4 or 6")] = 3,
    rate: Annotated[float, typer.Option(help="Images a second")] = 6.0,
) -> None:
    """Play the story and print it."""
    with rehearsal(rate) as running:
        typer.echo(f"the studio is at {running.url}; version {GOOD_VERSION} has to prove healthy first")
        try:
            telling = play(running, version)
        except StoryFailed as error:
            typer.echo(f"the story broke off: {error}", err=True)
            raise typer.Exit(1) from error
    typer.echo("\n".join(telling.lines()))


def _wait_until_ready(running: Rehearsal) -> None:
    deadline = time.monotonic() + _START_WITHIN
    with httpx.Client(base_url=running.url, trust_env=False, timeout=2.0) as client:
        while time.monotonic() < deadline:
            try:
                if client.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise StoryFailed(f"Safelight did not answer within {_START_WITHIN:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    typer.run(main)
