"""Asking a peer in a subprocess, with 8 GB of memory and 120 seconds of processor time for an answer, and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.detection import THREADS
from benchmarks.detection.peer import GIGABYTE, MEMORY_LIMIT, SECONDS_LIMIT

_ROOT = Path(__file__).parents[2]
_MEMORY = f"memory capped at {MEMORY_LIMIT / GIGABYTE:.0f} GB"
_SHOWN = 100


@dataclass(frozen=True)
class Answer:
    score: float
    seconds: float
    """Of processor time: what the peer takes on a machine that does nothing else."""


@dataclass(frozen=True)
class Unanswered:
    """`why` names the cap that was hit, or what the peer failed of."""

    why: str


class Peer:
    """A peer's process. Once a cap has ended it, every further question is answered with that."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self._process = process
        self._seconds = seconds

    def ask(self, reference: Path, current: Path) -> Answer | Unanswered:
        """Both are .npy files of rows [n, d]."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the process was started without pipes")
        try:
            print(json.dumps([str(reference), str(current)]), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            return self._ended()
        reply = self._process.stdout.readline()
        if not reply:
            return self._ended()
        found = json.loads(reply)
        return Unanswered(f"{found['failed'][:_SHOWN]} ({_MEMORY})") if "failed" in found else Answer(**found)

    def _ended(self) -> Unanswered:
        status = self._process.wait()
        over_time = status == -signal.SIGPROF
        return Unanswered(f"over {self._seconds:g} s" if over_time else f"ended with status {status} ({_MEMORY})")


@contextmanager
def peer(method: str, python: Path = Path(sys.executable), seconds: float = SECONDS_LIMIT) -> Iterator[Peer]:
    """`python` is the interpreter of the environment that has the peer's library."""
    process = subprocess.Popen(
        [python, "-W", "ignore", "-m", "benchmarks.detection.peer", method, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=_ROOT,
        env={**os.environ, **THREADS, "DO_NOT_TRACK": "1"},
    )
    try:
        yield Peer(process, seconds)
    finally:
        process.kill()
        process.communicate()
