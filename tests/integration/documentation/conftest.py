"""Somebody who types what the documents say, in order, in front of a Safelight of their own.

A fenced block's first word is its language; the others are marks that no reader sees. Blocks of `sh` and `python` are
executed. `console` is for what cannot be here, such as an installation.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

PATIENCE = 120.0
_STOP_WITHIN = 15.0
_ADDRESS = "127.0.0.1:8484"
_FENCED = re.compile(r"^```(?P<info>\w[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """`place` is where it stands, as an editor opens it."""

    place: str
    language: str
    marks: frozenset[str]
    text: str

    @property
    def executed(self) -> bool:
        return self.language in ("sh", "python")


@pytest.fixture
def blocks() -> Callable[[Path], list[Block]]:
    """The fenced blocks of a document, in the order in which a reader meets them."""
    return _blocks


def _blocks(document: Path) -> list[Block]:
    content = document.read_text()
    return [_block(document, content, found) for found in _FENCED.finditer(content)]


def _block(document: Path, content: str, found: re.Match[str]) -> Block:
    language, *marks = found["info"].split()
    line = content.count("\n", 0, found.start()) + 1
    return Block(f"{document.name}:{line}", language, frozenset(marks), found["text"])


class Typist:
    """A terminal that keeps what is exported in it, and another for the block marked `background`."""

    def __init__(self, folder: Path) -> None:
        port = _free_port()
        self._address = f"127.0.0.1:{port}"
        self.folder = folder
        self._exported = folder / "exported.sh"
        self._exported.touch()
        self._running: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://{self._address}", timeout=PATIENCE, trust_env=False)
        """An admin who looks over the typist's shoulder."""
        (folder / ".venv").symlink_to(sys.prefix)
        # A person reads that the API refuses; here it is a command that fails.
        (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
        self._environment = {
            **os.environ,
            "CURL_HOME": str(folder),
            "SAFELIGHT_DATA_DIR": str(folder / "var"),
            "SAFELIGHT_API__PORT": str(port),
        }

    def types(self, block: Block) -> None:
        """The port is all that is changed in a block: the one it names may be taken here."""
        script = self.folder / f"{block.place}.{block.language}"
        script.write_text(block.text.replace(_ADDRESS, self._address))
        if "background" in block.marks:
            self._start(script)
        elif block.language == "python":
            self.run(f"python '{script}'")
        else:
            self.run(f"source '{script}'; export -p > '{self._exported}'")

    def run(self, commands: str) -> str:
        """What they print, in the terminal as it is by now."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"source '{self._exported}'; {commands}"],
            cwd=self.folder,
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def wait(self, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not look():
            assert self._running is None or self._running.poll() is None, "Safelight has ended"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.2)

    def wait_until_settled(self) -> None:
        """As a person waits for what they have asked for, before they go on."""
        self.wait(lambda: not any(each["open_release"] for each in self.asks("/api/v1/generators")["items"]))

    def asks(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def stop(self) -> int:
        """As Ctrl-C in the other terminal; the status it ends with."""
        self.client.close()
        if self._running is None:
            return 0
        os.killpg(self._running.pid, signal.SIGINT)
        return self._running.wait(_STOP_WITHIN)

    def _start(self, script: Path) -> None:
        self._running = subprocess.Popen(
            ["bash", "-euc", f"source '{script}'"], cwd=self.folder, env=self._environment, start_new_session=True
        )
        self.wait(self._answers)
        key = self.run("source .venv/bin/activate; safelight key create test --role admin").strip()
        self.client.headers["Authorization"] = f"Bearer {key}"

    def _answers(self) -> bool:
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    sitting = Typist(tmp_path)
    yield sitting
    assert sitting.stop() == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
