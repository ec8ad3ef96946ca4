"""`safelight up`: one of each process on this machine, started in order, restarted when it dies, ended together."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safelight.clock import Clock

logger = logging.getLogger(__name__)

STOP_WITHIN = 4.0
"""Seconds the processes have to end by themselves."""
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
_PR_SET_PDEATHSIG = 1
PARENT = "SAFELIGHT_SUPERVISOR_PID"
"""The variable that tells a process whose end is its own."""


@dataclass(frozen=True)
class Program:
    """One process and the command that starts it."""

    name: str
    command: Sequence[str]


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0


class Supervisor:
    """Keeps programs running. A program that fails is started again, after a pause that grows with each failure."""

    def __init__(self, programs: Sequence[Program], environment: Mapping[str, str], clock: Clock) -> None:
        self._children = [_Child(program) for program in programs]
        self._environment = environment
        self._clock = clock

    def run(self, stop: threading.Event, poll_seconds: float = 0.2) -> None:
        """Until `stop` is set; returns when every process has ended."""
        try:
            while True:
                for child in self._children:
                    self._tend(child)
                if stop.wait(poll_seconds):
                    return
        finally:
            self._end()

    def _tend(self, child: _Child) -> None:
        now = self._clock.monotonic()
        if child.process is not None and child.process.poll() is not None:
            steady = now - child.started >= _STEADY_AFTER
            child.failures = 1 if steady else child.failures + 1
            pause = min(2.0 ** (child.failures - 1), _LONGEST_PAUSE)
            logger.error(
                "%s ended with status %s; starting it again in %.0f s",
                child.program.name,
                child.process.returncode,
                pause,
            )
            child.process, child.start_at = None, now + pause
        if child.process is None and now >= child.start_at:
            child.process, child.started = self._start(child.program), now

    def _start(self, program: Program) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            program.command,
            env={**os.environ, **self._environment, PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            # A Ctrl-C in the terminal is for the supervisor, which ends its processes in order.
            start_new_session=True,
        )

    def _end(self) -> None:
        running = [(child.program.name, child.process) for child in self._children if child.process is not None]
        for _, process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = self._clock.monotonic() + STOP_WITHIN
        for name, process in running:
            try:
                process.wait(max(deadline - self._clock.monotonic(), 0.05))
            except subprocess.TimeoutExpired:
                logger.warning("%s did not end in time and is killed", name)
                process.kill()
                process.wait()


def die_with_supervisor() -> None:
    """Called first thing by a supervised process: a supervisor that is killed leaves none behind (Linux)."""
    parent = os.environ.pop(PARENT, None)
    if parent is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        # It died before the line above.
        sys.exit(1)
